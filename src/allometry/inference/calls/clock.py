"""The clock of one episode: seconds since its start, real while live calls run, recorded or simulated otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """`now` moves only when an answer is given to the strategy, so that replaying the answers replays the clock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.now, self._base, self._mark = 0.0, 0.0, monotonic()

    def elapsed(self) -> float:
        """Seconds up to this moment, for calls that are really being made."""
        return max(self.now, self._base + self._monotonic() - self._mark)

    def advance(self, to: float) -> None:
        """Go on to a time; never back. Ahead of real time, real time is counted from there."""
        self.now = max(self.now, to)
        if self.now > self._base + self._monotonic() - self._mark:
            self._base, self._mark = self.now, self._monotonic()
