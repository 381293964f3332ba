"""Intervals through functions, and as JSON."""

from __future__ import annotations

from collections.abc import Callable
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


def ends(found: Interval) -> dict[str, Any]:
    """An interval as JSON."""
    shown: dict[str, Any] = {"value": found.value, "low": found.low, "high": found.high}
    return {**shown, "why": found.why} if found.why else shown
