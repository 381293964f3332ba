"""Intervals of plans: with draws that are infinite, and in the words of the command line's JSON."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allometry.forecasts import MOST_LOST, percentiles
from allometry.notices import Interval

_HUGE = 1e300


def open_percentiles(draws: NDArray[np.float64], level: float, method: str = "linear") -> Interval:
    """Ends, without a value, in which an infinite draw is a very large one: it empties the upper end, not the lower.

    >>> open_percentiles(np.array([1.0, 2.0, np.inf, np.inf]), 0.5)
    Interval(value=None, low=1.75, high=None, why='')
    """
    infinite = float(np.mean(np.isposinf(draws)))
    found = percentiles(0.0, np.where(np.isposinf(draws), _HUGE, draws), level, "", method)
    open_above = found.high is not None and (infinite > MOST_LOST or found.high >= _HUGE / 1e10)
    low = None if found.low is not None and found.low >= _HUGE / 1e10 else found.low
    return Interval(None, low, None if open_above else found.high, found.why)


def percent(share: float | None) -> str:
    """A share in percent to three digits, a dash where there is none.

    >>> percent(0.000213), percent(0.25), percent(None), percent(float("inf"))
    ('0.0213%', '25%', '-', '-')
    """
    return "-" if share is None or not np.isfinite(share) else f"{100 * share:.3g}%"


def ends_json(found: Interval) -> dict[str, object]:
    """`value`, `low`, `high`, and `why` one of them is null.

    >>> ends_json(Interval(1.0, None, None, "no draws"))
    {'value': 1.0, 'low': None, 'high': None, 'why': 'no draws'}
    """
    return {"value": found.value, "low": found.low, "high": found.high, "why": found.why}
