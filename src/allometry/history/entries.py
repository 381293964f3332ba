"""The two kinds of lines in a ledger: what was said of a run not yet made, and how such a run came out.

A line holds all that scoring needs, for the fit may be fitted again, moved or handed on without its rows meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias, TypeVar

VERSION = 1
PROBABILITIES = (0.0, 0.005, 0.01, 0.025, *(round(0.05 * i, 2) for i in range(1, 20)), 0.975, 0.99, 0.995, 1.0)
"""The shares of the draws below the quantiles that a line keeps: enough to tell a rank to a percent or so."""

Point: TypeAlias = Mapping[str, float]
Kind: TypeAlias = Literal["forecast", "plan"]
T = TypeVar("T")


@dataclass(frozen=True)
class Maker:
    """The fit that said it: a mark of law, rows and estimate, and marks of some of its rows to know its table again."""

    id: str
    law: str
    rows: int
    fingerprint: str
    some: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spread:
    """Where one run was expected: interval and quantiles (at `PROBABILITIES`) of the calibrated draws; else why none."""

    low: float | None
    high: float | None
    quantiles: tuple[float, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Said:
    """A forecast, or the plan whose point it is: the metric `value` at `at`.

    `low` and `high` are what the user was told, `interval` what that holds, `of` what was asked ("mean" or "new-run");
    `run` is where one run was expected, which is what a run is judged by. `slopes` say how the forecast changes along
    each axis: in `space`, per unit of the axis's logarithm where `at` is positive, else of the axis. `near` marks the
    fit's own rows near the point, which are no test. `far` is how far the point lay outside the runs, in a word. A plan
    holds what was `asked` and what it `chose`. `made` is a time in UTC.
    """

    made: str
    kind: Kind
    fit: Maker
    metric: str
    at: Point
    of: str
    value: float
    low: float | None
    high: float | None
    level: float
    interval: str
    run: Spread
    space: str
    slopes: Mapping[str, float]
    far: str
    conventions: Mapping[str, str] = field(default_factory=dict)
    near: tuple[str, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)
    chose: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same for the same forecast of the same fit, whenever it is made."""
        what = [self.kind, self.fit.id, self.metric, dict(self.at), self.of, self.value, self.level, dict(self.asked)]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]

    def as_line(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"ledger": VERSION, "id": self.id, **asdict(self)}


@dataclass(frozen=True)
class Check:
    """A run that finished where something had been said: `of` is the id of that line, `mark` that of the run's row.

    `at` is where the run was made; `value`, `low` and `high` are the forecast and the interval for one run moved there by
    the forecast's own slopes, by the factor `moved`; `error` is value / measured - 1, None where that says nothing;
    `inside` whether the interval for one run held it, `told_inside` whether the interval that was told did; `rank` the share of the draws below it. None where there was none.
    """

    made: str
    of: str
    run: str
    mark: str
    at: Point
    measured: float
    value: float
    low: float | None
    high: float | None
    moved: float
    error: float | None
    inside: bool | None
    told_inside: bool | None
    rank: float | None

    def as_line(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"ledger": VERSION, "kind": "check", **asdict(self)}


def read_entry(contents: Mapping[str, Any]) -> Said | Check:
    """The entry of a line; KeyError, TypeError or ValueError where a part is missing or of another kind."""
    parts = {name: value for name, value in contents.items() if name not in ("ledger", "id")}
    if parts["kind"] == "check":
        del parts["kind"]
        return _typed(Check, parts)
    maker, run = dict(parts.pop("fit")), dict(parts.pop("run"))
    fit = _typed(Maker, {**maker, "some": tuple(maker["some"])})
    spread = _typed(Spread, {**run, "quantiles": tuple(run["quantiles"])})
    if len(spread.quantiles) not in (0, len(PROBABILITIES)) or parts["kind"] not in ("forecast", "plan"):
        raise ValueError("no entry of this version")
    return _typed(Said, {**parts, "near": tuple(parts["near"]), "fit": fit, "run": spread})


def _typed(kind: type[T], parts: Mapping[str, Any]) -> T:
    """The entry of these parts, each of the kind that its field says."""
    made = kind(**parts)
    for field_ in fields(made):  # type: ignore[arg-type]
        if not _is(getattr(made, field_.name), str(field_.type)):
            raise TypeError(f"{field_.name} is no {field_.type}")
    return made


def _is(value: object, kind: str) -> bool:
    if kind.endswith(" | None"):
        return value is None or _is(value, kind.removesuffix(" | None"))
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind in ("Point", "Mapping[str, float]"):
        return isinstance(value, dict) and all(_is(item, "float") for item in value.values())
    if kind == "Mapping[str, str]":
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if kind.startswith("tuple["):
        inner = kind.removeprefix("tuple[").removesuffix(", ...]")
        return isinstance(value, tuple) and all(_is(item, inner) for item in value)
    return isinstance(value, _PLAIN[kind])


_PLAIN: Mapping[str, type] = {
    "str": str, "Kind": str, "int": int, "bool": bool, "Mapping[str, Any]": dict, "Maker": Maker, "Spread": Spread
}  # fmt: skip
