"""What can go wrong with one attempt, and how long to wait before the next."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
# A server that says when to come back is believed up to this many seconds.
LONGEST_PROMISE = 600.0
AGAIN = frozenset({408, 409, 425, 429})
# Statuses by which a server says that it has not begun.
UNPAID = frozenset({429, 503})


class Fault(Exception):
    """An attempt that gave no whole answer.

    `again` says whether another may; `paid` whether this one may have been paid for; `after` how many seconds the
    server asks to wait; `status` is that of its answer, 0 where there was none.
    """

    def __init__(
        self, reason: str, *, again: bool = True, paid: bool = True, after: float | None = None, status: int = 0
    ) -> None:
        self.reason, self.again, self.paid, self.after, self.status = reason, again, paid, after, status
        super().__init__(reason)


def status_fault(status: int, said: str, headers: Mapping[str, str]) -> Fault:
    """The fault that a status tells of: overloaded and failing servers are asked again, refusals are not."""
    server = status >= 500
    return Fault(f"the server answered {status}: {said}", again=server or status in AGAIN,
                 paid=(server or status in AGAIN) and status not in UNPAID, after=retry_after(headers), status=status)  # fmt: skip


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, as a number or a date; None where it asks for none."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            seconds = float(text) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return min(seconds, LONGEST_PROMISE)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    left = until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)
    return min(max(0.0, left.total_seconds()), LONGEST_PROMISE)


def wait_before(attempt: int, fault: Fault, chance: random.Random) -> float:
    """Seconds before the attempt with this number, counted from 1: twice as long each time, half of it by chance.

    What the server asks for is the least.

    >>> wait_before(1, Fault("busy", after=3.0), random.Random(0)) >= 3.0
    True
    """
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    return (fault.after or 0.0) + longest * (1 + chance.random()) / 2
