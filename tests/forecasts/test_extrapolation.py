"""Where a point lies against the runs, and the word for it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.forecasts import Surroundings
from allometry.runs import Rows


def ladder(**axes: np.ndarray) -> Rows:
    return Rows(axes, np.zeros(len(next(iter(axes.values())))), "loss")


def grid(spread: float = 2.0, steps: int = 9) -> Rows:
    """Runs every quarter decade over params and tokens, two decades of each."""
    params, tokens = np.meshgrid(1e7 * np.logspace(0, spread, steps), 1e9 * np.logspace(0, spread, steps))
    return ladder(params=params.ravel(), tokens=tokens.ravel())


@pytest.mark.parametrize(
    ("params", "tokens", "word"),
    [
        (1e8, 1e10, "inside"),
        (1.2e8, 3.1e9, "inside"),
        (1e9 * 1.5, 1e11, "edge"),
        (1e9 * 2, 1e11 * 2, "beyond"),
        (1e9 * 4, 1e11 * 4, "far beyond"),
        (1e7, 1e8, "beyond"),
        (1e7, 5e7, "far beyond"),
    ],
)
def test_words_go_by_decades(params: float, tokens: float, word: str) -> None:
    assert Surroundings(grid()).of({"params": params, "tokens": tokens}).word == word


def test_a_larger_run_within_every_axis_is_not_interpolation() -> None:
    # sizes and tokens were swept one at a time, so no run is large in both
    params = np.concatenate([np.logspace(7, 9, 9), np.full(9, 1e7)])
    tokens = np.concatenate([np.full(9, 1e9), np.logspace(9, 11, 9)])
    found = Surroundings(ladder(params=params, tokens=tokens)).of({"params": 1e9, "tokens": 1e11})
    assert found.axes == {"params": 0.0, "tokens": 0.0}
    assert found.compute == pytest.approx(2.0)
    assert found.distance == pytest.approx(2.0)
    assert found.word == "far beyond"


def test_a_hole_in_the_table_is_not_inside() -> None:
    rows = ladder(flops=np.concatenate([np.logspace(17, 18, 11), np.logspace(21, 22, 11)]))
    found = Surroundings(rows).of({"flops": 10**19.5})
    assert (found.compute, found.axes["flops"]) == (0.0, 0.0)
    assert found.word == "far beyond"


def test_the_spacing_is_that_of_distinct_runs() -> None:
    rows = ladder(params=np.repeat(np.logspace(6, 9, 4), 5))
    assert Surroundings(rows).of({"params": 1e7}).spacing == pytest.approx(1.0)


def test_one_run_is_a_neighbourhood_too() -> None:
    found = Surroundings(ladder(params=np.array([1e8]))).of({"params": 1e9})
    assert (found.distance, found.spacing, found.word) == (pytest.approx(1.0), 0.0, "beyond")


def test_axes_with_zeros_are_measured_in_ranges() -> None:
    found = Surroundings(ladder(kept=np.array([0.0, 0.5, 1.0]))).of({"kept": 1.5})
    assert found.axes["kept"] == pytest.approx(0.5)
    assert found.compute is None


def test_without_rows_it_is_unknown() -> None:
    found = Surroundings(Rows.empty(("params",), "loss", {})).of({"params": 1e9})
    assert (found.word, found.distance) == ("unknown", None)
    assert "published" in found.sentence


def test_the_sentence_names_what_is_outside() -> None:
    found = Surroundings(grid()).of({"params": 1e10, "tokens": 1e8})
    assert "1.00 decades above the runs in params" in found.sentence
    assert "1.00 decades below the runs in tokens" in found.sentence
    json.dumps(found.as_json(), allow_nan=False)


@given(st.floats(7, 9), st.floats(9, 11))
def test_the_order_of_the_runs_does_not_matter(log_params: float, log_tokens: float) -> None:
    rows = grid(steps=5)
    other = ladder(**{name: values[::-1] for name, values in rows.axes.items()})
    point = {"params": 10**log_params, "tokens": 10**log_tokens}
    assert Surroundings(rows).of(point) == Surroundings(other).of(point)
