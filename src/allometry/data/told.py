"""What the answers of this room say alike: of which rows, at which level, on what they stand."""

from __future__ import annotations

import math
from typing import Any, Protocol

from allometry.notices import Notice, Step


class Told(Protocol):
    """An answer from a table: `rows` given and `kept` of them used, the `level` of intervals and what they hold."""

    @property
    def rows(self) -> int: ...
    @property
    def kept(self) -> int: ...
    @property
    def level(self) -> float: ...
    @property
    def interval(self) -> str: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def notices(self) -> tuple[Notice, ...]: ...


def told_json(answer: Told) -> dict[str, Any]:
    """The part of its JSON that every answer has."""
    return {
        "rows": answer.rows,
        "kept": answer.kept,
        "level": answer.level,
        "interval": answer.interval,
        "steps": [step.as_json() for step in answer.steps],
        "warnings": [{"code": notice.code, "message": notice.message} for notice in answer.notices],
        "complete": True,
    }


def finite(value: float) -> float | None:
    """A number of strict JSON: null where it is none.

    >>> finite(float("nan")), finite(1.5)
    (None, 1.5)
    """
    return float(value) if math.isfinite(value) else None
