"""What the budgets of one strategy come to together: whether more compute became more accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allometry.inference.sweeps.episode import Outcome
from allometry.inference.sweeps.metrics import arise, scaling_slope


@dataclass(frozen=True)
class Curve:
    """One strategy over its budgets on the problems that it ran at all of them, without calls that failed.

    `arise` is that of each problem, its seeds averaged; `slope` is in accuracy a generated token.
    """

    strategy: str
    engine: str
    unit: str
    scorer: str
    oracle: bool
    budgets: tuple[float, ...]
    problems: int
    arise: float
    slope: float

    def as_json(self) -> dict[str, Any]:
        return {
            "strategy": self.strategy, "engine": self.engine, "unit": self.unit, "scorer": self.scorer,
            "oracle": self.oracle, "budgets": list(self.budgets), "problems": self.problems,
            "arise": self.arise, "slope": self.slope,
        }  # fmt: skip


def curves(outcomes: Sequence[Outcome]) -> list[Curve]:
    """One curve for each strategy that was scored at two budgets of one unit or more, in the order of the outcomes."""
    found: dict[tuple[Any, ...], dict[float, dict[str, list[Outcome]]]] = {}
    for outcome in outcomes:
        if outcome.scorer and outcome.state != "failed":
            cell = (outcome.strategy, outcome.engine, outcome.limit[1], outcome.scorer, outcome.oracle)
            problems = found.setdefault(cell, {}).setdefault(outcome.limit[0], {})
            problems.setdefault(outcome.problem, []).append(outcome)
    made = [_curve(cell, budgets) for cell, budgets in found.items() if len(budgets) > 1]
    return [curve for curve in made if curve is not None]


def _curve(cell: tuple[Any, ...], budgets: dict[float, dict[str, list[Outcome]]]) -> Curve | None:
    rising = sorted(budgets)
    shared = [problem for problem in budgets[rising[0]] if all(problem in budgets[budget] for budget in rising)]
    if not shared:
        return None
    grades = [[_mean([o.grade or 0.0 for o in budgets[b][problem]]) for b in rising] for problem in shared]
    tokens = [[_mean([o.meter.generated_tokens for o in budgets[b][problem]]) for b in rising] for problem in shared]
    strategy, engine, unit, scorer, oracle = cell
    return Curve(
        strategy, engine, unit, scorer, oracle, tuple(rising), len(shared),
        arise(grades, tokens), scaling_slope(grades, tokens),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
