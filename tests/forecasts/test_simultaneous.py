"""Intervals of several values at once: that the chosen one is no oftener wrong than they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from allometry.forecasts import percentiles, together

LEVEL, WORLDS = 0.9, 400


def missed(count: int, common: float) -> tuple[int, int]:
    """In how many worlds, where no value differs from nothing, the least looks as if it did: by itself, and together."""
    moved, alone, at_once = np.random.default_rng(0), 0, 0
    for _ in range(WORLDS):
        # partly common to all, as errors held against one random arm are
        noise = common * moved.standard_normal((1001, 1)) + moved.standard_t(6, (1001, count))
        value, draws = noise[0], noise[0] + noise[1:]
        least = int(np.argmin(value))
        alone += percentiles(value[least], draws[:, least], LEVEL, "").high < 0
        at_once += together(value.tolist(), draws, LEVEL, "")[least].high < 0
    return alone, at_once


@pytest.mark.parametrize(("count", "common"), [(5, 0.0), (12, 0.3)])
def test_the_best_of_several_that_equal_nothing_is_told_apart_at_most_as_often_as_said(
    count: int, common: float
) -> None:
    alone, at_once = missed(count, common)
    most = binom.ppf(0.995, WORLDS, 1 - LEVEL)
    assert at_once <= most < alone


def test_all_hold_at_once_and_each_misses_as_often() -> None:
    moved = np.random.default_rng(1)
    spread = np.array([1.0, 10.0, 0.1])
    draws, truth = spread * moved.standard_normal((4000, 3)), spread * moved.standard_normal((4000, 3))
    told = together([0.0, 0.0, 0.0], draws, LEVEL, "")
    inside = np.stack([(truth[:, k] >= one.low) & (truth[:, k] <= one.high) for k, one in enumerate(told)], axis=1)
    assert inside.all(axis=1).mean() == pytest.approx(LEVEL, abs=0.02)
    assert inside.mean(axis=0) == pytest.approx(np.full(3, LEVEL ** (1 / 3)), abs=0.015)


def test_values_that_move_as_one_need_no_more_than_one() -> None:
    draws = np.random.default_rng(0).standard_normal((2000, 1)) * np.array([1.0, 2.0, 0.0])
    told = together([0.0, 0.0, 0.0], draws, LEVEL, "")
    alone = percentiles(0.0, draws[:, 0], LEVEL, "")
    assert (told[0].low, told[0].high) == pytest.approx((alone.low, alone.high), rel=0.03)
    assert (told[2].low, told[2].high) == (0, 0)


def test_wider_is_from_the_value_and_missing_draws_are_said() -> None:
    draws = np.linspace(0.0, 1.0, 101)[:, None]
    (told,), (wide,) = together([0.2], draws, 0.5, ""), together([0.2], draws, 0.5, "", [2.0])
    assert (wide.low - 0.2, wide.high - 0.2) == pytest.approx((2 * (told.low - 0.2), 2 * (told.high - 0.2)))
    assert together([1.0, 2.0], np.empty((0, 2)), 0.9, "none asked")[1].why == "none asked"
    draws = np.full((10, 2), np.nan)
    draws[:, 0] = np.arange(10)
    one, other = together([1.0, 2.0], draws, 0.9, "")
    assert other.why == "100% of the draws give no finite value"
    assert one.low is not None
