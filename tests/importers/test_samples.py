"""Logs that inspect itself writes: their problems, and strategies on their samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from allometry.inference import Budget, find_strategy, sweep
from allometry.inference.engines import read_logged
from allometry.inference.logs import read_log
from allometry.inference.tasks import read_problems
from allometry.inference.verifiers import find_grader
from allometry.notices import Refused

pytestmark = [pytest.mark.importers, pytest.mark.filterwarnings("default")]
Written = Callable[[str, str], Path]


def log_of(written: Written, name: str) -> Path:
    (path,) = (written("write_cases.py", "inspect_samples") / name).glob("*.eval")
    return path


def test_epochs_are_samples_of_one_problem(written: Written) -> None:
    path = log_of(written, "sums")
    grader = find_grader("numeric")
    problems = read_problems(path, read=grader.read)
    assert [(one.id, one.answer, one.sample_tokens) for one in problems] == [("a", "4", 40), ("b", "9", 40)]
    assert problems[0].data == {"task": "sums"}
    assert problems[0].prompt == ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"})
    log = read_log(path)
    assert (log.temperature, log.left, [len(one.samples) for one in log.problems]) == (0.7, 0, [3, 3])
    texts = sorted(one.content for problem in log.problems for one in problem.samples)
    assert texts == ["it is 4", "it is 4", "it is 5", "so ", "so 9", "so 9"]
    assert sum(one.truncated for problem in log.problems for one in problem.samples) == 1


def test_strategies_run_on_the_samples(written: Written) -> None:
    path = log_of(written, "sums")
    grader = find_grader("numeric")
    problems, engine = read_problems(path, read=grader.read), read_logged(path)
    votes = find_strategy("self_consistency")(samples=2)
    swept = sweep(problems, [votes], [Budget(calls=2)], engine, scorer=grader)
    assert [outcome.state for outcome in swept] == ["answered", "answered"]
    assert swept[1].grade == 1.0
    with pytest.raises(Refused, match="needs continuation"):
        sweep(problems, [find_strategy("budget_forcing")()], [Budget(200)], engine)


def test_answers_of_several_calls_are_problems_only(written: Written) -> None:
    path = log_of(written, "talk")
    log = read_log(path)
    assert [len(one.samples) for one in log.problems] == [0, 0]
    assert log.left == 6
    assert log.problems[0].prompt == ({"role": "user", "content": "2+2?"},)
    with pytest.raises(Refused, match="no samples of talk can be given again"):
        read_logged(path)


def test_a_log_as_json_is_the_same(written: Written, tmp_path: Path) -> None:
    from inspect_ai.log import read_eval_log, write_eval_log

    path = log_of(written, "sums")
    write_eval_log(read_eval_log(str(path)), str(tmp_path / "sums.json"))
    assert read_log(tmp_path / "sums.json") == read_log(path)
    assert [one.id for one in read_problems(tmp_path / "sums.json")] == ["a", "b"]


def test_what_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "cut.eval").write_text("PK")
    with pytest.raises(Refused, match="reading inspect's log failed"):
        read_problems(tmp_path / "cut.eval")
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(Refused, match="line 1 has neither prompt nor messages"):
        read_problems(tmp_path / "other.json")
