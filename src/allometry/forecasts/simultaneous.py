"""Intervals that hold for several values at once, for one of which was chosen after they were seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allometry.forecasts.intervals import MOST_LOST, percentiles
from allometry.forecasts.metric import Array
from allometry.notices import Interval


def together(
    values: Sequence[float], draws: Array, level: float, none: str, wider: Sequence[float] | None = None
) -> list[Interval]:
    """Intervals (K,) of values from their joint draws (B, K) that hold all of them at once with a chance of `level`.

    Use it where the best of several is named: it was picked for being far out, so an interval of its own would leave
    out the truth more often than it says. Of one value it is `percentiles`. Not with few draws: of 20 independent
    values at 90% either end is the outermost 0.3% of the draws.
    Arguments: `none` is the reason given where there are no draws; values that never move count for nothing, and so do
    those of which over 5% of the draws are not finite: they get no interval. Where too few draws are finite in all others
    at once, each interval misses a K-th as often as all may (Bonferroni). `wider` is how much further from each value its
    draws are put, for fits to few rows (`fits.widening`). Every interval holds its value.
    Method: percentiles of every value's own draws, as far out as makes all of them hold a whole draw in `level` of the
    draws: each value misses as often as any other.
    Source: balanced simultaneous confidence sets, Beran 1988, JASA 83(403) (recalled).

    >>> moved = np.random.default_rng(0).standard_normal((20_000, 5))
    >>> min(one.high for one in together([0.0] * 5, moved, 0.9, "")) > 2.2  # of one alone 1.6
    True
    >>> together([0.0], moved[:, :1], 0.9, "")[0] == percentiles(0.0, moved[:, 0], 0.9, "")
    True
    """
    own, method = _own_level(draws, level)
    further = np.ones(len(values)) if wider is None else np.asarray(wider, dtype=float)
    moved = np.asarray(values) + further * (draws - np.asarray(values))
    return [holding(percentiles(value, moved[:, k], own, none, method)) for k, value in enumerate(values)]


def holding(told: Interval) -> Interval:
    """The interval, longer where its value lies beyond an end: draws that lean to one side do not deny the estimate."""
    if told.value is None or told.low is None or told.high is None:
        return told
    return Interval(told.value, min(told.low, told.value), max(told.high, told.value), told.why)


def _own_level(draws: Array, level: float) -> tuple[float, str]:
    """The level of the intervals of single values, and how percentiles are to be taken."""
    finite = np.isfinite(draws)
    told = draws[:, finite.sum(axis=0) >= max((1 - MOST_LOST) * len(draws), 1)]
    joint = told[np.isfinite(told).all(axis=1)]
    moving = np.array([np.ptp(one[np.isfinite(one)]) > 0 for one in told.T], dtype=bool)
    if moving.sum() < 2:
        return level, "linear"
    if len(joint) < (1 - MOST_LOST) * len(draws):
        return 1 - (1 - level) / int(moving.sum()), "weibull"
    ranks = np.argsort(np.argsort(joint[:, moving], axis=0, kind="stable"), axis=0) + 1
    out = np.abs(ranks / (len(joint) + 1) - 0.5).max(axis=1)
    # not narrower for being taken from the draws it is held to
    return float(2 * np.quantile(out, level, method="weibull")), "weibull"
