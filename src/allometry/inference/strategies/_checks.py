"""Arguments of strategies that no search could be made with: refused before anything is asked."""

from __future__ import annotations

from allometry.notices import Refused


def positive(**values: object) -> None:
    """Refuse what is not above 0; None is a bound that is not there.

    >>> positive(samples=None, branch=0)
    Traceback (most recent call last):
    allometry.notices.Refused: branch=0 is no number above 0 (the strategy): give branch=1 or more
    """
    for name, value in values.items():
        if value is not None and (not isinstance(value, int | float) or not value > 0):
            mend = f"give {name}=1 or more" if isinstance(value, int) else f"give a number, such as {name}=1"
            raise Refused("bad-argument", f"{name}={value!r} is no number above 0", "the strategy", mend)


def shares(**values: object) -> None:
    """Refuse what is not from 0 to 1; None is an argument that is not given.

    >>> shares(sure=95)
    Traceback (most recent call last):
    allometry.notices.Refused: sure=95 is no share (the strategy): give a number from 0 to 1
    """
    for name, value in values.items():
        if value is not None and (not isinstance(value, int | float) or not 0 <= value <= 1):
            raise Refused("bad-argument", f"{name}={value!r} is no share", "the strategy", "give a number from 0 to 1")
