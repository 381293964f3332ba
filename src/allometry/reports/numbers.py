"""Numbers and counts as a page shows them."""

from __future__ import annotations

import math

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL, _LARGE = 1e-3, 1e5


def shown(value: float | None, digits: int = 4) -> str:
    """A number to so many significant digits, with a power of ten where it is very large or small.

    >>> shown(0.34782, 3), shown(19154.2), shown(5.88e23, 3), shown(1e9), shown(None)
    ('0.348', '19,150', '5.88×10²³', '10⁹', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 or _SMALL <= abs(value) < _LARGE:
        return f"{float(f'{value:.{digits}g}'):,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10{str(int(exponent)).translate(_RAISED)}"
    return power if mantissa == "1" else f"{mantissa}×{power}"


def between(low: float | None, high: float | None, digits: int = 4) -> str:
    """An interval, empty where neither end is known.

    >>> between(0.33, 0.36), between(None, None)
    ('0.33 to 0.36', '')
    """
    return "" if low is None and high is None else f"{shown(low, digits)} to {shown(high, digits)}"


def counted(number: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "run"), counted(240, "run")
    ('1 run', '240 runs')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
