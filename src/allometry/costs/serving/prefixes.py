"""Beginnings of prompts that the requests of a job share, kept once in the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Prefix:
    length: int = 0
    users: list[int] = field(default_factory=list)  # tokens of it that each uses


class Prefixes:
    """The shared prefixes that a replica keeps, each as long as the longest that was asked for.

    What nobody uses of them stays in the cache until its room is needed: then that which is idle for longest goes.
    `used` is what they take in the cache less what their users do not keep themselves, in the units of `kept`.
    """

    def __init__(self, kept: Callable[[int], int]) -> None:
        self.kept = kept
        self.used = 0
        self.held: dict[int, _Prefix] = {}
        self.idle: dict[int, None] = {}  # jobs with tokens that nobody uses, by time since they were last used

    def length(self, job: int) -> int:
        return self.held[job].length if job in self.held else 0

    def need(self, job: int, shared: int) -> int:
        """What a user of this prefix adds to `used`: what it lengthens the prefix by, less what it need not keep."""
        known = self.length(job)
        return self.kept(max(known, shared)) - self.kept(known) - self.kept(shared)

    def join(self, job: int, shared: int) -> None:
        self.used += self.need(job, shared)
        prefix = self.held.setdefault(job, _Prefix())
        prefix.length = max(prefix.length, shared)
        prefix.users.append(shared)
        self._mark(job, prefix)

    def leave(self, job: int, shared: int) -> None:
        self.used += self.kept(shared)
        prefix = self.held[job]
        prefix.users.remove(shared)
        self._mark(job, prefix)

    def grow(self, job: int, length: int) -> None:
        """Keep an answer that has just ended behind its prompt: its room is free, and nobody has taken it yet."""
        prefix = self.held.setdefault(job, _Prefix())
        if length > prefix.length:
            self.used += self.kept(length) - self.kept(prefix.length)
            prefix.length = length
        if prefix.length:
            self._mark(job, prefix)

    def evict(self, job: int | None = None, shared: int = 0) -> bool:
        """Give up what was idle for longest, but for the first `shared` tokens of `job`; whether there was any."""
        for other in self.idle:
            prefix = self.held[other]
            needed = max(shared if other == job else 0, *prefix.users, 0)
            if needed < prefix.length:
                break
        else:
            return False
        self.used -= self.kept(prefix.length) - self.kept(needed)
        prefix.length = needed
        self._mark(other, prefix)
        if not needed:
            del self.held[other]
        return True

    def _mark(self, job: int, prefix: _Prefix) -> None:
        self.idle.pop(job, None)
        if prefix.length > max(prefix.users, default=0):
            self.idle[job] = None
