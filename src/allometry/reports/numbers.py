"""Numbers and counts as a page shows them."""

from __future__ import annotations

import math

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SMALL, _LARGE = 1e-3, 1e5
_NONE = "–"


def shown(value: float | None, digits: int = 4) -> str:
    """A number to so many significant digits, with a power of ten where it is very large or small.

    >>> shown(0.34782, 3), shown(19154.2), shown(5.88e23, 3), shown(1e9), shown(None)
    ('0.348', '19,150', '5.88×10²³', '10⁹', '–')
    """
    mantissa, exponent = _rounded(value, digits)
    if not exponent:
        return mantissa
    power = f"10{exponent.translate(_RAISED)}"
    return power if mantissa == "1" else f"{mantissa}×{power}"


def tex(value: float | None, digits: int = 4) -> str:
    r"""The same number in LaTeX's mathematics.

    >>> tex(0.34782, 3), tex(19154.2), tex(5.88e23, 3), tex(1e9), tex(None)
    ('$0.348$', '$19{,}150$', '$5.88\\times10^{23}$', '$10^{9}$', '--')
    """
    mantissa, exponent = _rounded(value, digits)
    if mantissa == _NONE:
        return "--"
    if not exponent:
        return f"${mantissa.replace(',', '{,}')}$"
    return f"$10^{{{exponent}}}$" if mantissa == "1" else f"${mantissa}\\times10^{{{exponent}}}$"


def _rounded(value: float | None, digits: int) -> tuple[str, str]:
    """The digits of a number, and its power of ten where it is very large or small."""
    if value is None or not math.isfinite(value):
        return _NONE, ""
    if value == 0 or _SMALL <= abs(value) < _LARGE:
        large = abs(value) >= 10**digits
        return f"{float(f'{value:.{digits}g}'):,.0f}" if large else f"{value:.{digits}g}", ""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa, str(int(exponent))


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
