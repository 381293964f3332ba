"""What a sweep came to, a row for each strategy, engine and budget, and strategies compared on the same problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from allometry.inference.calls import NUMBERS
from allometry.inference.sweeps.episode import SCORING, Outcome
from allometry.inference.sweeps.intervals import accuracy_interval, difference_interval
from allometry.inference.sweeps.metrics import efficiency, pass_at_k, token_spread, worst_of_n
from allometry.notices import Interval

PERCENTILES = (50.0, 95.0)
# In a table of runs `flops` is the compute of training.
_COLUMNS = {"flops": "inference_flops"}


@dataclass(frozen=True)
class Row:
    """What one strategy came to at one budget, all seeds together.

    `accuracy` counts answers that are right, of all; `truncated`, `unaffordable` and `failed` are those of
    which it cannot be said that they are wrong; `failure` is why the first of the failed ones did. Where all failed
    there is no accuracy, and differences leave out problems on which either of the two failed. Rows of different kinds of selectors or scorers, and those of an
    `oracle`, which saw the answer, do not belong into one curve. `meter` holds means per problem; `seconds` and
    `first_token` the 50th and 95th percentile of the time to the answer and to the first token, as they were while
    the problems of the sweep ran side by side, of those that came to an answer; None where the engine tells no times,
    as logs do. `metrics`: `e3` (accuracy squared by mean generated tokens), and where
    there are several seeds the mean `token_spread` of a problem and the share of problems that are right with one of
    the seeds (`best_of_seeds`) and with all (`worst_of_seeds`).
    """

    strategy: str
    engine: str
    budget: float
    unit: str
    seeds: int
    problems: int
    accuracy: Interval
    truncated: int
    unaffordable: int
    failed: int
    selector: str
    selector_kind: str
    oracle: bool
    scorer: str
    scorer_kind: str
    meter: Mapping[str, float | None]
    seconds: tuple[float, float] | None
    first_token: tuple[float, float] | None
    metrics: Mapping[str, float | None]
    failure: str = ""

    def as_json(self) -> dict[str, Any]:
        """The row as commands print it: meters are means per problem."""
        return {
            "strategy": self.strategy, "engine": self.engine, "budget": self.budget, "unit": self.unit,
            "accuracy": self.accuracy.value, "low": self.accuracy.low, "high": self.accuracy.high,
            "why": self.accuracy.why, "problems": self.problems, "seeds": self.seeds,
            "truncated": self.truncated, "unaffordable": self.unaffordable, "failed": self.failed,
            "failure": self.failure,
            **{_COLUMNS.get(name, name): value for name, value in self.meter.items()},
            **self.metrics,
            **_named("seconds", self.seconds), **_named("first_token", self.first_token),
            "selector": self.selector, "selector_kind": self.selector_kind, "oracle": self.oracle,
            "scorer": self.scorer, "scorer_kind": self.scorer_kind,
        }  # fmt: skip


def _named(name: str, percentiles: tuple[float, float] | None) -> dict[str, float | None]:
    values = percentiles or (None, None)
    return {f"{name}_p{p:g}": value for p, value in zip(PERCENTILES, values, strict=True)}


@dataclass(frozen=True)
class Difference:
    """How much more accurate a strategy is than another, on the same problems at the same budget and engine."""

    strategy: str
    baseline: str
    engine: str
    budget: float
    unit: str
    problems: int
    difference: Interval

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out no difference."""
        low, high = self.difference.low, self.difference.high
        return low is not None and high is not None and not low <= 0 <= high

    def as_json(self) -> dict[str, Any]:
        found = self.difference
        return {
            "strategy": self.strategy, "baseline": self.baseline, "engine": self.engine, "budget": self.budget,
            "unit": self.unit, "problems": self.problems, "difference": found.value, "low": found.low,
            "high": found.high, "why": found.why, "sure": self.sure,
        }  # fmt: skip


def rows(outcomes: Sequence[Outcome], level: float = 0.9) -> list[Row]:
    """One row for each strategy, engine and budget, in the order in which they first come.

    Intervals of accuracies are over problems, by group where the problems have groups.
    """
    return [_row(of_cell, level) for of_cell in cells(outcomes).values()]


def differences(outcomes: Sequence[Outcome], level: float = 0.9) -> list[Difference]:
    """Every strategy against the first one that is scored alike, by engine and budget, paired by problem.

    Oracles are compared among themselves.
    """
    return list(_against_first(list(cells(outcomes).values()), level))


def _against_first(of_cells: Sequence[list[Outcome]], level: float) -> Iterator[Difference]:
    firsts: dict[tuple[Any, ...], list[Outcome]] = {}
    for cell in of_cells:
        first = firsts.setdefault((cell[0].engine, cell[0].budget, cell[0].scorer, cell[0].oracle), cell)
        if first is not cell and cell[0].scorer:
            yield _difference(cell, first, level)


def _difference(ours: list[Outcome], theirs: list[Outcome], level: float) -> Difference:
    budget, unit = ours[0].limit
    mine, other = _by_problem(_came(ours)), _by_problem(_came(theirs))
    groups = {outcome.problem: _group(outcome) for outcome in (*ours, *theirs)}
    shared = len(mine.keys() & other.keys())
    found = difference_interval(mine, other, groups, level)
    return Difference(ours[0].strategy, theirs[0].strategy, ours[0].engine, budget, unit, shared, found)


def _came(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of problems of which no seed failed: what a failed call would have come to nobody knows."""
    failed = {outcome.problem for outcome in outcomes if outcome.state == "failed"}
    return [outcome for outcome in outcomes if outcome.problem not in failed]


def _by_problem(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The mean grade over seeds, by problem."""
    grades: dict[str, list[float]] = {}
    for outcome in outcomes:
        grades.setdefault(outcome.problem, []).append(outcome.grade or 0.0)
    return {problem: sum(of_it) / len(of_it) for problem, of_it in grades.items()}


def cells(outcomes: Sequence[Outcome]) -> dict[tuple[Any, ...], list[Outcome]]:
    """The outcomes of each row, in the order in which they first come."""
    order: dict[tuple[Any, ...], int] = {}
    for outcome in outcomes:
        order.setdefault(_cell(outcome), len(order))
    ranked = sorted(outcomes, key=lambda outcome: order[_cell(outcome)])
    return {cell: list(of_cell) for cell, of_cell in groupby(ranked, key=_cell)}


def _cell(outcome: Outcome) -> tuple[Any, ...]:
    return (outcome.strategy, outcome.engine, outcome.budget, outcome.scorer, outcome.selector)


def _group(outcome: Outcome) -> str:
    return outcome.group or outcome.problem


def _row(outcomes: list[Outcome], level: float) -> Row:
    first = outcomes[0]
    budget, unit = first.limit
    states = [outcome.state for outcome in outcomes]
    return Row(
        first.strategy, first.engine, budget, unit, len({o.seed for o in outcomes}), len({o.problem for o in outcomes}),
        _accuracy(outcomes, level), states.count("truncated"), states.count("unaffordable"), states.count("failed"),
        first.selector, first.selector_kind, first.oracle, first.scorer, first.scorer_kind,
        {**{name: _mean(outcomes, name) for name in NUMBERS}, **({} if _timed(outcomes) else {"seconds": None})},
        _percentiles([o.meter.seconds for o in outcomes if o.answer] if _timed(outcomes) else []),
        _percentiles([outcome.first_token for outcome in outcomes if outcome.first_token is not None]),
        _metrics(outcomes), next((_reason(o.why) for o in outcomes if o.state == "failed"), ""),
    )  # fmt: skip


def _accuracy(outcomes: Sequence[Outcome], level: float) -> Interval:
    if not outcomes[0].scorer:
        return Interval(None, why="nothing scores the answers")
    if all(outcome.state == "failed" for outcome in outcomes):
        return Interval(None, why=f"all failed: {_reason(outcomes[0].why)}")
    grades = [outcome.grade or 0.0 for outcome in outcomes]
    return accuracy_interval(grades, [_group(outcome) for outcome in outcomes], level)


def _reason(why: str) -> str:
    """Why a call failed, without what a server wrote about it, which may be a text of the prompt."""
    words = why.split(": ")
    return ": ".join(words[: 2 if words[0] == SCORING else 1])


def _timed(outcomes: Sequence[Outcome]) -> bool:
    """Whether any time passed, or none had to."""
    return any(o.meter.seconds for o in outcomes) or not any(o.meter.calls for o in outcomes)


def _percentiles(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)


def _mean(outcomes: Sequence[Outcome], name: str) -> float | None:
    values = [getattr(outcome.meter, name) for outcome in outcomes]
    return None if None in values else sum(values) / len(values)


def _metrics(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    several: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        several.setdefault(outcome.problem, []).append(outcome)
    several = {problem: of_it for problem, of_it in several.items() if len(of_it) > 1}
    binary = bool(outcomes[0].scorer) and {outcome.grade for outcome in outcomes} <= {0.0, 1.0, None}
    right = [(len(of_it), sum(outcome.grade == 1 for outcome in of_it)) for of_it in several.values()]
    tokens = [[float(outcome.meter.generated_tokens) for outcome in of_it] for of_it in several.values()]
    return {
        "e3": _efficiency(outcomes),
        "token_spread": token_spread(tokens) if several else None,
        "best_of_seeds": _share([pass_at_k(n, c, n) for n, c in right]) if binary else None,
        "worst_of_seeds": _share([worst_of_n(n, c, n) for n, c in right]) if binary else None,
    }


def _efficiency(outcomes: Sequence[Outcome]) -> float | None:
    tokens = sum(outcome.meter.generated_tokens for outcome in outcomes) / len(outcomes)
    if not outcomes[0].scorer or not tokens or all(outcome.state == "failed" for outcome in outcomes):
        return None
    return efficiency(sum(outcome.grade or 0.0 for outcome in outcomes) / len(outcomes), tokens)


def _share(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
