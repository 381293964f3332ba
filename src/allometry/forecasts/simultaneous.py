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
    Arguments: `none` is the reason given where there are no draws; values that never move count for nothing.
    `wider` is how much further from each value its draws are put, for fits to few rows (`fits.widening`).
    Method: percentiles of every value's own draws, as far out as makes all of them hold a whole draw in `level` of the
    draws: each value misses as often as any other.
    Source: balanced simultaneous confidence sets, Beran 1988, JASA 83(403) (recalled).

    >>> moved = np.random.default_rng(0).standard_normal((20_000, 5))
    >>> min(one.high for one in together([0.0] * 5, moved, 0.9, "")) > 2.2  # of one alone 1.6
    True
    >>> together([0.0], moved[:, :1], 0.9, "")[0] == percentiles(0.0, moved[:, 0], 0.9, "")
    True
    """
    own, method = _own_level(draws, level), "weibull"  # not narrower for being taken from the draws it is held to
    if own is None:
        own, method = level, "linear"
    further = np.ones(len(values)) if wider is None else np.asarray(wider, dtype=float)
    moved = np.asarray(values) + further * (draws - np.asarray(values))
    return [percentiles(value, moved[:, k], own, none, method) for k, value in enumerate(values)]


def _own_level(draws: Array, level: float) -> float | None:
    """The level of intervals of single values; None where there is only one that moves, or too few draws of all."""
    usable = draws[np.isfinite(draws).all(axis=1)]
    if len(usable) < max((1 - MOST_LOST) * len(draws), 1):
        return None
    moving = usable[:, np.ptp(usable, axis=0) > 0]
    if moving.shape[1] < 2:
        return None
    ranks = np.argsort(np.argsort(moving, axis=0, kind="stable"), axis=0) + 1
    out = np.abs(ranks / (len(moving) + 1) - 0.5).max(axis=1)
    return float(2 * np.quantile(out, level, method="weibull"))
