"""What a rule says of a table: the evidence, what to do, who says so, and what doing it changes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from allometry.advice.sources import Source
from allometry.notices import Interval

Level: TypeAlias = Literal["note", "advice", "warning"]
LEVELS: tuple[Level, ...] = ("warning", "advice", "note")
"""From what makes an answer wrong, over what would make it better, to what is good to know."""


@dataclass(frozen=True)
class Change:
    """One quantity by the table as it is and, refitted, by the table after the advice; both with fit noise."""

    quantity: str
    before: Interval
    after: Interval

    @property
    def factor(self) -> float | None:
        """After over before; None where one of them has no value.

        >>> Change("N*", Interval(2.0), Interval(3.0)).factor
        1.5
        """
        old, new = self.before.value, self.after.value
        return None if old is None or new is None or old <= 0 or new <= 0 else new / old

    @property
    def size(self) -> float:
        """How far the value moves, as the absolute logarithm of the factor."""
        return abs(math.log(self.factor)) if self.factor is not None else 0.0

    @property
    def beyond(self) -> bool:
        """Whether the value after lies outside the interval before."""
        low, high, new = self.before.low, self.before.high, self.after.value
        return low is not None and high is not None and new is not None and not low <= new <= high

    def as_json(self) -> dict[str, object]:
        """The quantity, both intervals and the factor."""
        return {
            "quantity": self.quantity,
            "before": _ends(self.before),
            "after": _ends(self.after),
            "factor": self.factor,
        }


def _ends(found: Interval) -> dict[str, object]:
    return {"value": found.value, "low": found.low, "high": found.high, "why": found.why}


@dataclass(frozen=True)
class Finding:
    """One thing that an expert would point at.

    `code` is stable, `level` says how much it matters, `evidence` is what the table shows, `do` the option that mends
    it, `source` who says that it matters; `rows` are numbers of the table as given, the worst first where rows have an
    order; `effect` is what following the advice changes, the largest change first, empty where nothing can be computed.
    """

    code: str
    level: Level
    evidence: str
    do: str
    source: Source
    rows: tuple[int, ...] = ()
    effect: tuple[Change, ...] = ()

    @property
    def size(self) -> float:
        """The largest change among the effects."""
        return max((change.size for change in self.effect), default=0.0)

    def as_json(self) -> dict[str, object]:
        """A strict JSON object."""
        return {
            "code": self.code, "level": self.level, "evidence": self.evidence, "do": self.do,
            "source": self.source.text, "source_status": self.source.status, "rows": list(self.rows),
            "effect": [change.as_json() for change in self.effect],
        }  # fmt: skip


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By level, then by the size of the effect, then by code."""
    return tuple(sorted(findings, key=lambda f: (LEVELS.index(f.level), -f.size, f.code)))


def listed(rows: Iterable[int], most: int = 12) -> str:
    """Row numbers in words, at most so many of them.

    >>> listed([4, 2], 1)
    'rows 4 and 1 more'
    """
    numbers = list(rows)
    named = ", ".join(str(row) for row in numbers[:most])
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"row{'s' if len(numbers) > 1 else ''} {named}{more}"
