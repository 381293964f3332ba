"""Refusals of numbers that cannot be, each with the nearest that can."""

from __future__ import annotations

import math
from collections.abc import Sequence

from allometry.notices import Refused


def check_count(name: str, value: object, least: int = 1, where: str = "the shape") -> None:
    """Refuse what is not a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        near = max(least, round(value)) if isinstance(value, float) and math.isfinite(value) else least
        raise Refused("bad-count", f"{name} must be a whole number of at least {least}, not {value!r}", where,
                      f"give {name}={near} or more")  # fmt: skip


def check_choice(name: str, value: object, choices: Sequence[str], where: str = "the shape") -> None:
    if value not in choices:
        raise Refused("bad-choice", f"{name} cannot be {value!r}", where, f"use one of {', '.join(choices)}")


def check_positive(name: str, value: object, where: str, *, zero: bool = False) -> None:
    """Refuse what is not a finite number above zero (or from zero on)."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0 or (value == 0 and not zero):  # type: ignore[operator]
        kind = "a number from 0" if zero else "a positive number"
        mend = f"give {name}=0 or more" if zero else "give one above 0"
        raise Refused("bad-value", f"{name} must be {kind}, not {value!r}", where, mend)


def check_multiple(name: str, value: int, by_name: str, by: int, where: str = "the shape") -> None:
    """Refuse a value that is no multiple of another, with the nearest multiple and the nearest divisor."""
    if value % by == 0:
        return
    multiple = max(by, by * round(value / by))
    divisor = min((d for d in range(1, min(value, 4096) + 1) if value % d == 0), key=lambda d: abs(d - by))
    raise Refused("does-not-divide", f"{name} ({value}) is no multiple of {by_name} ({by})", where,
                  f"the nearest that work are {name}={multiple} or {by_name}={divisor}")  # fmt: skip
