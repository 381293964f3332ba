"""Rules on what is seen at serve time: one threshold, two cells, chosen as simply and judged as honestly as a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from allometry.inference.policies.goal import Goal
from allometry.inference.policies.table import Array, Table

Seen: TypeAlias = Literal["agreement", "prompt_length", "score"]
SEEN: tuple[Seen, ...] = get_args(Seen)
THRESHOLDS = 7
"""Places between which a threshold may lie, by quantiles of what was seen: few, for each more is a chance to be wrong."""


@dataclass(frozen=True)
class Rule:
    """Cells by number: `then` where what is seen is `at_least` so much, else `otherwise`.

    "agreement" is the weight of the leading answer over the samples of the cell `then`, which is asked first and whose
    answer is kept (of one sample weighted by `confidence`, the mean probability of its tokens); "prompt_length" the
    characters of the prompt; "score" a number of the user's own.
    """

    on: Seen
    at_least: float
    then: int
    otherwise: int


@dataclass(frozen=True)
class Known:
    """What is known of each problem before it is asked: (N,) by name."""

    values: Mapping[Seen, Array]


def kept(table: Table, rule: Rule, known: Known) -> NDArray[np.bool_]:
    """(N, S) where the cell `then` answers."""
    if rule.on == "agreement":
        return table.seen[rule.then] >= rule.at_least
    high = known.values[rule.on] >= rule.at_least
    return np.broadcast_to(high[:, None], table.grades.shape[1:])


def graded(table: Table, rule: Rule, where: NDArray[np.bool_]) -> Array:
    """(N,) grades, means over seeds."""
    return _mean(np.where(where, table.grades[rule.then], table.grades[rule.otherwise]))


def costs(table: Table, meter: Array, rule: Rule, where: NDArray[np.bool_]) -> Array:
    """(N,) costs in any meter (C, N, S): asking first and then again costs both, but for samples that are used again."""
    again = meter[rule.otherwise]
    if rule.on == "agreement" and not _shared(table, rule.then, rule.otherwise):
        again = again + meter[rule.then]
    return _mean(np.where(where, meter[rule.then], again))


def best_rule(table: Table, meter: Array, known: Known, goal: Goal, which: NDArray[np.bool_]) -> Rule | None:
    """The rule that best meets the goal on some of the problems; None where there is nothing to see, or nothing to choose."""
    rules = list(_rules(table, meter, known, which))
    if not rules:
        return None
    told = np.array([(accuracy, cost) for _, accuracy, cost in rules])
    return rules[goal.pick(told[:, 0], told[:, 1])][0]


def _rules(table: Table, meter: Array, known: Known, which: NDArray[np.bool_]) -> Iterator[tuple[Rule, float, float]]:
    """Every rule with its accuracy and cost on some of the problems: sums over answers where it holds and where not."""
    whole = ~np.isnan(table.grades).any(axis=0) & which[:, None]
    grades, spent, seen = table.grades[:, whole], meter[:, whole], table.seen[:, whole]
    answers, mean_cost = grades.shape[1], spent.mean(axis=1)
    for then in range(len(table.cells)):
        for bound in _bounds(seen[then]):
            keep = seen[then] >= bound
            own, own_cost = grades[then] @ keep, spent[then] @ keep
            right, cost = grades @ ~keep, spent @ ~keep
            for other in _others(table, then):
                if mean_cost[other] > mean_cost[then]:
                    twice = 0.0 if _shared(table, then, other) else float(cost[then])
                    yield (Rule("agreement", bound, then, other), float(own + right[other]) / answers,
                           float(own_cost + cost[other] + twice) / answers)  # fmt: skip
    for name, values in known.values.items():
        told = np.broadcast_to(values[:, None], whole.shape)[whole]
        for bound in _bounds(told):
            high = told >= bound
            right, cost, wrong, less = grades @ high, spent @ high, grades @ ~high, spent @ ~high
            for then in range(len(table.cells)):
                for other in _others(table, then):
                    yield (Rule(name, bound, then, other), float(right[then] + wrong[other]) / answers,
                           float(cost[then] + less[other]) / answers)  # fmt: skip


def _bounds(values: Array) -> list[float]:
    """Thresholds that divide what was seen: above its least, at most so many."""
    distinct = np.unique(values[~np.isnan(values)])[1:]
    if len(distinct) > THRESHOLDS:
        distinct = np.unique(np.quantile(distinct, np.linspace(0, 1, THRESHOLDS), method="nearest"))
    return [float(value) for value in distinct]


def _others(table: Table, cell: int) -> list[int]:
    """Other cells on the same engine: a policy is served by one."""
    engine = table.cells[cell].engine
    return [i for i, other in enumerate(table.cells) if i != cell and other.engine == engine]


def _shared(table: Table, first: int, second: int) -> bool:
    """Whether the second cell begins with the samples of the first."""
    return table.cells[first].identity == table.cells[second].identity


def _mean(values: Array) -> Array:
    """Over seeds."""
    return np.nanmean(values, axis=-1)
