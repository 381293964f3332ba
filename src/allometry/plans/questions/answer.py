"""The answer to one question of planning: a sentence, a table, figures and the chain of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from allometry.notices import Interval, Notice, Step
from allometry.plans.ends import ends_json

Value: TypeAlias = float | str | bool | Interval | None


@dataclass(frozen=True)
class Answer:
    """What is asked and said, in one form for every question.

    `sentence` is the answer in words, `rows` the table behind it (each row the same names), `figures` single numbers by
    name, `steps` what it stands on, each measured, fitted, published or assumed.
    """

    question: str
    sentence: str
    rows: tuple[Mapping[str, Value], ...]
    steps: tuple[Step, ...]
    figures: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    notices: tuple[Notice, ...] = ()

    def as_json(self) -> dict[str, object]:
        """One strict JSON object; an interval is its value and ends, with `why` one is missing."""
        return {
            "question": self.question,
            "sentence": self.sentence,
            "figures": {name: _json(value) for name, value in self.figures.items()},
            "rows": [{name: _json(value) for name, value in row.items()} for row in self.rows],
            "steps": [step.as_json() for step in self.steps],
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
            "complete": True,
        }


def _json(value: Value) -> object:
    return ends_json(value) if isinstance(value, Interval) else value
