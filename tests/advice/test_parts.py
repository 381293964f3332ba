"""Filters that leave rows out, and rows that are the same up to rounding."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.advice.filters import filter_without, option_without
from allometry.advice.rounding import half_unit, same_rows
from allometry.advice.rules.conventions import flops_ratio
from allometry.runs import Runs, read_runs


@pytest.fixture
def runs() -> Runs:
    size = np.geomspace(1e8, 1e10, 5)
    return read_runs({"params": size, "tokens": 20 * size[::-1], "loss": np.array([3.0, 2.9, 3.5, 2.7, 2.6])})


@pytest.mark.parametrize("rows", [[0], [3, 4], [2], [0, 4], [1, 2, 3]])
def test_a_filter_leaves_out_exactly_these_rows(runs: Runs, rows: list[int]) -> None:
    kept = runs.where(filter_without(runs, rows, ("params", "tokens"), "loss"))
    assert kept.row_numbers.tolist() == [row for row in range(5) if row not in rows]


def test_a_bound_on_an_axis_comes_before_one_on_the_metric(runs: Runs) -> None:
    assert "loss" not in filter_without(runs, [0], ("params", "tokens"), "loss")
    assert filter_without(runs, [2], ("params", "tokens"), "loss").startswith("loss < 3.")


def test_no_short_filter_is_said_so() -> None:
    size = np.geomspace(1e8, 1e10, 30)
    table = read_runs({"params": size, "tokens": np.full(30, 1e10), "loss": 3 / np.arange(1, 31)})
    assert "leave them out of the file" in option_without(table, list(range(1, 29, 2)), ("params", "tokens"), "loss")
    assert option_without(table, [0], ("params",), "loss", also=[29]).count(" and ") == 1


@pytest.mark.parametrize(
    ("values", "half"), [([1.25, 3.5], 0.005), ([73824672.0, 89818214.0], 0.5), ([7e9, 1.3e10], 5e8)]
)
def test_the_last_decimal_place(values: list[float], half: float) -> None:
    assert half_unit(np.array(values)) == pytest.approx(half)


def test_tolerance_is_the_rounding_and_no_more() -> None:
    exact = [np.array([1.23456, 2.34567]), np.array([3.123456, 2.987654])]
    rounded = [np.round(column, 3) for column in exact]
    assert same_rows(exact, rounded) == [(0, 0), (1, 1)]
    assert same_rows(exact, [rounded[0], rounded[1] + 0.001]) == []


def test_a_row_has_one_partner() -> None:
    assert same_rows([np.array([1.0, 1.0])], [np.array([1.0])]) == [(0, 0)]


def test_flops_that_were_derived_say_nothing(runs: Runs) -> None:
    assert flops_ratio(runs) is None
