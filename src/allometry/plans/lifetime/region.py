"""All sizes whose total cost is nearly the least, by the estimate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Interval
from allometry.plans.lifetime.narrowing import crossing
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.search import REACH, Course
from allometry.plans.lifetime.tokens import Isoloss
from allometry.plans.region import Region
from allometry.plans.terms import TOKENS

Array = NDArray[np.float64]

COST_WITHIN = (0.01, 0.05)
"""Shares of the least total cost that near-optimal regions allow."""


def nearly_least(curve: Isoloss, rates: Rates, course: Course, within: tuple[float, ...]) -> tuple[Region, ...]:
    """The regions around the `course` of the one draw of `curve`, tightest first.

    An end at a limit of the user's is that limit, and says so.
    """
    return tuple(_region(curve, rates, course, share) for share in within)


def _region(curve: Isoloss, rates: Rates, course: Course, share: float) -> Region:
    limits = curve.space.limits[curve.space.size]
    best, most = float(np.log(course.size[0])), (1 + share) * course.total[0]

    def near(log_size: Array) -> NDArray[np.bool_]:
        size = np.exp(log_size).clip(*limits)
        return np.asarray(rates.total(size, curve.tokens(size)[0]) <= most)

    with np.errstate(divide="ignore"):
        far = max(best - REACH, np.log(limits[0])), min(best + REACH, np.log(limits[1]))
    ends = [crossing(near, best, end) for end in far]
    sizes = np.exp(ends).clip(*limits)
    why = [f"ends at the limit of {size:.4g}" for size in sizes.tolist() if size in limits]
    few, many = (float(end) for end in curve.tokens(sizes)[0][::-1])
    return Region(share, {
        curve.space.size: Interval(None, float(sizes[0]), float(sizes[1]), "; ".join(why)),
        TOKENS: Interval(None, few, many),
    })  # fmt: skip
