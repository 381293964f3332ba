"""Beginnings of prompts that the requests of a job share, kept once in the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Prefix:
    length: int = 0
    users: int = 0


class Prefixes:
    """The shared prefixes that a replica keeps, each as long as the longest that was asked for.

    A prefix stays in the cache when nobody uses it, until its room is needed: then the one idle for longest goes.
    `used` is what they take in the cache less what their users do not keep themselves, in the units of `kept`.
    """

    def __init__(self, kept: Callable[[int], int]) -> None:
        self.kept = kept
        self.used = 0
        self.held: dict[int, _Prefix] = {}
        self.idle: dict[int, None] = {}  # by time since they were last used

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
        prefix.users += 1
        self.idle.pop(job, None)

    def leave(self, job: int, shared: int) -> None:
        self.used += self.kept(shared)
        prefix = self.held[job]
        prefix.users -= 1
        if not prefix.users:
            self.idle[job] = None

    def evict(self, but: int | None = None) -> bool:
        """Give up the prefix that was idle for longest, not that of `but`; whether there was one."""
        job = next((job for job in self.idle if job != but), None)
        if job is None:
            return False
        del self.idle[job]
        self.used -= self.kept(self.held.pop(job).length)
        return True
