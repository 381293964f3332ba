"""The size of least total cost among all that reach a loss, for all draws at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.plans.lifetime.narrowing import least_between
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.tokens import Isoloss

Array = NDArray[np.float64]

GRID = 97  # over four decades of size: 0.04 decades apart, finer than any valley of a law we know
REACH = np.log(1e4)
ABOVE = np.log(4.0)  # where money is counted, a larger model may run at a higher share of the peak


class Course(NamedTuple):
    """For each draw (B,) the size, the tokens that it is trained on and the total; NaN where the loss is out of reach."""

    size: Array
    tokens: Array
    total: Array


def least_total(curve: Isoloss, rates: Rates, trained: Array) -> Course:
    """The course of least total cost for each draw, where `trained` (B,) is the size of least training cost.

    Serving makes a smaller model better, never a larger one: training cost falls towards `trained` from both sides, and
    serving grows with size. So the search goes down from there, and only little above; limits move its ends.
    Source: Sardana et al. 2024, arXiv 2401.00448, eq. 3, for any law and any rates.
    """
    known = np.isfinite(trained)
    found = np.full((3, len(trained)), np.nan)
    if known.any():
        found[:, known] = _searched(curve.of(known), rates, np.log(trained[known]))
    return Course(*found)


def _searched(curve: Isoloss, rates: Rates, trained: Array) -> Array:
    least, most = curve.space.limits[curve.space.size]
    with np.errstate(divide="ignore"):
        high = np.maximum(np.minimum(trained + ABOVE, np.log(most)), trained)
        low = np.minimum(np.maximum(trained - REACH, np.log(least)), trained)

    def total(log_size: Array) -> Array:
        size = np.exp(log_size).clip(least, most)
        return rates.total(size, curve.tokens(size))

    grid = low[:, None] + np.linspace(0.0, 1.0, GRID) * (high - low)[:, None]
    best, rows = np.argmin(total(grid), axis=1), np.arange(len(high))
    x = least_between(total, grid[rows, np.maximum(best - 1, 0)], grid[rows, np.minimum(best + 1, GRID - 1)])
    ends = np.stack([x, low, high], axis=1)
    x = ends[rows, np.argmin(total(ends), axis=1)]
    size = np.exp(x).clip(least, most)
    tokens = curve.tokens(size[:, None])[:, 0]
    return np.stack([size, tokens, rates.total(size, tokens)])
