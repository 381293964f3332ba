"""An interval in the words of the command line's JSON."""

from __future__ import annotations

from allometry.notices import Interval


def ends_json(found: Interval) -> dict[str, object]:
    """`value`, `low`, `high`, and `why` one of them is null.

    >>> ends_json(Interval(1.0, None, None, "no draws"))
    {'value': 1.0, 'low': None, 'high': None, 'why': 'no draws'}
    """
    return {"value": found.value, "low": found.low, "high": found.high, "why": found.why}
