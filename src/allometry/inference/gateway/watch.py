"""What a policy promised beside what its answers take and come to while it serves, over the last of them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from allometry.inference.calls import NUMBERS, Meter
from allometry.inference.policies import Held, Policy
from allometry.inference.policies.making import difference_of
from allometry.inference.sweeps import accuracy_interval, mean_interval
from allometry.notices import Interval

WINDOW = 1000
"""Answers that are looked at: the last so many."""
LOOK = 100
"""Answers between two verdicts."""
ALARM = 0.001
"""The chance that a verdict says drift where there is none, all promises together: one in a thousand looks."""
PAIRED = ("calls", "prompt_tokens", "generated_tokens")


@dataclass(frozen=True)
class Compared:
    """An answer beside that of the baseline to the same prompt: agreement (None where nothing is read), costs of both."""

    agree: bool | None
    ours: Meter
    theirs: Meter
    group: str


class Watch:
    """The last answers of a policy, and whether they are what it promised.

    Costs are held against the promise on every answer that it was made for, accuracy where somebody scored one. The
    same prompt asked again is one group: it says less than another prompt would. Intervals are at the level of the
    policy; a verdict is at a far stricter one, for it is made again and again.
    """

    def __init__(self, policy: Policy, window: int = WINDOW, look: int = LOOK) -> None:
        self._policy, self._look = policy, look
        self._meters: deque[tuple[Meter, str]] = deque(maxlen=window)
        self._scores: deque[tuple[float, str]] = deque(maxlen=window)
        self._compared: deque[Compared] = deque(maxlen=window)
        self._seen = 0
        self.drift: tuple[str, ...] = ()
        self.looks = 0

    def count(self, meter: Meter, group: str) -> bool:
        """Take in what an answer took; whether it is time to look."""
        self._meters.append((meter, group))
        self._seen += 1
        return self._seen % self._look == 0

    def score(self, value: float, group: str) -> None:
        self._scores.append((value, group))

    def compare(self, compared: Compared) -> None:
        self._compared.append(compared)

    def look(self) -> tuple[str, ...]:
        """The promises that are not kept, of which by chance alone there is one in `1 / ALARM` looks."""
        level = 1 - ALARM / max(1, len(self._policy.costs) + 1)
        self.drift = tuple(one.name for one in self._held(level) if not _kept(one))
        self.looks += 1
        return self.drift

    def told(self) -> dict[str, Any]:
        """All of it as JSON."""
        accuracy, *costs = self._held(self._policy.level)
        return {
            "level": self._policy.level, "answers": len(self._meters), "scores": len(self._scores), "looks": self.looks,
            "drift": bool(self.drift) if self.looks else None, "drifted": list(self.drift),
            "accuracy": _held_json(accuracy), "costs": [_held_json(cost) for cost in costs],
            "baseline": self._told_baseline(),
        }  # fmt: skip

    def _held(self, level: float) -> list[Held]:
        own = self._policy
        graded = (
            accuracy_interval(*_columns(self._scores), level) if self._scores else _nothing("nobody scored an answer")
        )
        found = [_hold("accuracy", own.accuracy, graded, own.level, level)]
        for name, promised in own.costs.items():
            if name in NUMBERS:
                found.append(_hold(name, promised, self._mean(name, level), own.level, level))
        return found

    def _mean(self, name: str, level: float) -> Interval:
        pairs = [(getattr(meter, name), group) for meter, group in self._meters]
        if not pairs:
            return _nothing("nothing was answered")
        if any(value is None for value, _ in pairs):
            return _nothing("the engine does not tell it")
        return mean_interval(*_columns(pairs), level)

    def _told_baseline(self) -> dict[str, Any]:
        level, read = self._policy.level, [(float(c.agree), c.group) for c in self._compared if c.agree is not None]
        agreement = accuracy_interval(*_columns(read), level) if read else _nothing("nothing to compare was read")
        saved = {
            name: _json(mean_interval(*_columns([(getattr(c.theirs, name) - getattr(c.ours, name), c.group) for c in self._compared]), level))
            for name in PAIRED if self._compared
        }  # fmt: skip
        return {"answers": len(self._compared), "read": len(read), "agreement": _json(agreement), "saved": saved}


def _columns(pairs: Sequence[tuple[float, str]] | deque[tuple[float, str]]) -> tuple[list[float], list[str]]:
    return [float(value) for value, _ in pairs], [group for _, group in pairs]


def _hold(name: str, promised: Interval, observed: Interval, level: float, wanted: float) -> Held:
    wide = promised if level == wanted else _widened(promised, level, wanted)
    return Held(name, wide, observed, difference_of(observed, wide))


def _widened(found: Interval, level: float, wanted: float) -> Interval:
    """The same interval at another level, its errors taken to be normal."""
    if found.value is None or found.low is None or found.high is None:
        return found
    times = NormalDist().inv_cdf((1 + wanted) / 2) / NormalDist().inv_cdf((1 + level) / 2)
    return Interval(
        found.value, found.value - times * (found.value - found.low), found.value + times * (found.high - found.value)
    )


def _kept(held: Held) -> bool:
    same = held.observed.value is not None and held.promised.value is not None and math.isclose(held.observed.value, held.promised.value, rel_tol=1e-9)  # fmt: skip
    return held.kept or same  # where nothing varies an interval is a point, and a mean may miss it by a rounding


def _nothing(why: str) -> Interval:
    return Interval(None, why=why)


def _json(found: Interval) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, **({"why": found.why} if found.why else {})}


def _held_json(held: Held) -> dict[str, Any]:
    return {
        "name": held.name,
        "promised": _json(held.promised),
        "measured": _json(held.observed),
        "difference": _json(held.difference),
    }
