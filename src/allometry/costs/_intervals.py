"""Intervals through functions, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from allometry.notices import Interval


def through(found: Interval, function: Callable[[float], float | None], why: str = "") -> Interval:
    """The value and both ends through an increasing function; `why` is said where that has no value."""
    value, low, high = (None if end is None else function(end) for end in (found.value, found.low, found.high))
    return Interval(value, low, high, (found.why or why) if value is None else "")


def times(found: Interval, factor: float) -> Interval:
    """The interval times a number above zero."""
    return through(found, lambda value: value * factor)


def inverse(found: Interval, amount: float) -> Interval:
    """`amount` over the interval: the longest time is the lowest rate."""
    value, low, high = (amount / end if end else None for end in (found.value, found.high, found.low))
    return Interval(value, low, high, found.why)


def in_squares(changes: Iterable[Sequence[float]]) -> tuple[float, float]:
    """How far up and down independent errors take a value together, as logarithms or differences that add up.

    `changes` hold for each error what its ends do alone. The largest in a direction counts, and they are added as
    squares: exact where errors are small, independent and their effects add. Taking all to their worst together would
    hold far more than its level; taking each alone, less.

    >>> up, down = in_squares([(0.3, -0.1), (-0.1, 0.4)])
    >>> round(up, 9), round(down, 9)
    (0.5, 0.141421356)
    """
    sides = [(max(0.0, *both), min(0.0, *both)) for both in changes]
    up, down = (math.sqrt(sum(side[i] ** 2 for side in sides)) for i in (0, 1))
    return up, down


def spread_around(value: float, changed: Iterable[Sequence[float]]) -> Interval:
    """The interval of a positive value that becomes what `changed` holds when one error alone goes to its ends."""
    if value == 0:
        return Interval(0.0, 0.0, 0.0)
    up, down = in_squares([math.log(end / value) for end in both] for both in changed)
    return Interval(value, value * math.exp(-down), value * math.exp(up))


def ends(found: Interval) -> dict[str, Any]:
    """An interval as JSON."""
    shown: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high}
    return {**shown, "why": found.why} if found.why else shown
