"""All that a sweep came to, to be looked at, written and gone on with: rows, differences and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from allometry.inference.calls import Meter
from allometry.inference.sweeps.curves import Curve, curves
from allometry.inference.sweeps.episode import Outcome
from allometry.inference.sweeps.rows import Difference, Row, differences, rows
from allometry.inference.sweeps.selectors.errors import Selected
from allometry.inference.sweeps.sweep import Swept
from allometry.showing import Tabled


@dataclass(frozen=True)
class Results(Tabled):
    """The rows of one or several sweeps, with what was paid for them now; `complete` unless a limit ended them.

    `names` are what people call engines, by identity; `selectors` are those of best-of-N against the scorer, where that
    was asked for.
    """

    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    curves: tuple[Curve, ...]
    paid: Meter
    level: float
    why: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    selectors: tuple[Selected, ...] = ()

    def name(self, engine: str) -> str:
        """What an engine is called where people read."""
        return self.names.get(engine, engine)

    @property
    def complete(self) -> bool:
        return not self.why

    def as_columns(self) -> Mapping[str, Sequence[Any]]:
        """The rows by column, under the standard names of axes: a table that `read_runs` reads."""
        told = [row.as_json() for row in self.rows]
        return {name: [row[name] for row in told] for name in (told[0] if told else ())}

    def as_json(self) -> dict[str, Any]:
        paid = {name: value for name, value in asdict(self.paid).items() if name not in ("estimated", "seconds")}
        return {
            "rows": [row.as_json() for row in self.rows],
            "differences": [difference.as_json() for difference in self.differences],
            "curves": [curve.as_json() for curve in self.curves],
            "paid": {**paid, "estimated": sorted(self.paid.estimated)}, "level": self.level,
            "complete": self.complete, "why": self.why, "engines": dict(self.names),
            "selectors": [selected.as_json() for selected in self.selectors],
        }  # fmt: skip


def summarise(sweeps: Sequence[Swept], level: float = 0.9, names: Mapping[str, str] | None = None) -> Results:
    """What sweeps of several engines came to together; `names` are what people call the engines, by identity.

    >>> from allometry.inference.calls import read_budgets
    >>> from allometry.inference.engines import Simulator
    >>> from allometry.inference.strategies import find_strategy
    >>> from allometry.inference.sweeps import sweep
    >>> from allometry.inference.tasks import simulated_problems
    >>> from allometry.inference.verifiers import EXACT
    >>> vote = find_strategy("self_consistency")()
    >>> done = sweep(simulated_problems(9), [vote], read_budgets("64:256:x2"), Simulator(), scorer=EXACT)
    >>> [(row.budget, row.problems) for row in summarise([done]).rows]
    [(64.0, 9), (128.0, 9), (256.0, 9)]
    """
    outcomes: list[Outcome] = [outcome for swept in sweeps for outcome in swept]
    paid = sum((swept.paid for swept in sweeps), Meter())
    why = next((swept.why for swept in sweeps if swept.why), "")
    return Results(
        tuple(rows(outcomes, level)), tuple(differences(outcomes, level)), tuple(curves(outcomes)), paid, level, why,
        names or {},
    )  # fmt: skip
