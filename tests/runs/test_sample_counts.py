"""A table of graded samples becomes counts for each problem, or is refused with the rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from allometry.notices import Refused
from allometry.runs import count_samples

SAMPLES = {
    "item": ["b", "a", "b", "a", "b"],
    "n": [0, 0, 1, 1, 2],
    "ok": [1, 0, 0, 0, 1],
    "used": [10, 20, 30, 40, 50],
}
NAMES = {"problem": "item", "sample": "n", "correct": "ok", "tokens": "used"}


def test_counts_by_problem_in_the_order_of_the_table() -> None:
    told = count_samples(SAMPLES, **NAMES)
    assert told.problems == ("b", "a")
    assert told.successes.tolist() == [2, 0]
    assert told.trials.tolist() == [3, 2]
    assert told.tokens == 30


def test_a_file_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("problem,correct\n7,true\n7,false\n3,true\n")
    told = count_samples(path)
    assert told.problems == ("7", "3")
    assert told.successes.tolist() == [1, 1]
    assert told.trials.tolist() == [2, 1]
    assert told.tokens is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ok": [1, 0, 0.5, 0, 1]}, "neither 0 nor 1.*row 2"),
        ({"ok": [1, 0, None, 0, 1]}, "neither 0 nor 1.*row 2"),
        ({"ok": ["yes", "no", "no", "no", "yes"]}, "neither 0 nor 1"),
        ({"item": ["b", None, "b", "a", "b"]}, "missing.*row 1"),
        ({"n": [0, 0, 0, 1, 2]}, "twice.*rows 0 and 2"),
        ({"used": [10, -1, 30, 40, 50]}, "no count.*row 1"),
        ({"used": ["x", "y", "z", "v", "w"]}, "is text"),
    ],
)
def test_rows_that_cannot_be_counted_are_refused(change: dict[str, list[object]], said: str) -> None:
    with pytest.raises(Refused, match=said):
        count_samples({**SAMPLES, **change}, **NAMES)


def test_a_column_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(Refused, match=r"no column `correct`.*it has item, n, ok, used"):
        count_samples(SAMPLES, problem="item")
