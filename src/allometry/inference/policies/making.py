"""A plan made a policy, and a policy's promise held against outcomes that it was not made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allometry.inference.calls import NUMBERS
from allometry.inference.policies.goal import LIFE
from allometry.inference.policies.naming import reader_of
from allometry.inference.policies.plan import TestTime, known_of
from allometry.inference.policies.policy import Leaf, Policy, Split
from allometry.inference.policies.rules import Rule, Seen, costs, graded, kept
from allometry.inference.policies.table import Cell, Table, make_table
from allometry.inference.sweeps import Outcome, accuracy_interval, mean_interval
from allometry.notices import Interval, Refused


def policy_of(plan: TestTime, *, sample_tokens: int, reader: str | None = None) -> Policy:
    """The policy that does what a plan recommends.

    Arguments: `sample_tokens`, the longest that one answer may become (`records.read_asked` has what was asked for);
    `reader`, by name, takes answers out of texts; by default that of the scorer.
    Errors: `Refused` where a strategy, grader or reader of it cannot be found by its name.
    """
    table, rule = plan.table, plan.rule
    cells = [plan.cell] if rule is None else [table.cells[rule.then], table.cells[rule.otherwise]]
    return Policy(
        tuple(Leaf(cell.identity, cell.strategy, cell.budget) for cell in cells),
        None if rule is None else Split(rule.on, rule.at_least), plan.goal.words, plan.promise.accuracy,
        {name: cost for name, cost in plan.promise.costs.items() if name != LIFE}, plan.level,
        len(table.problems), table.seeds, cells[0].engine, table.scorer, table.scorer_kind, table.kind,
        reader or reader_of(table.scorer), sample_tokens, table.fingerprint,
    )  # fmt: skip


@dataclass(frozen=True)
class Held:
    """One promise beside what was observed; `kept` unless the difference is more than both leave to chance."""

    name: str
    promised: Interval
    observed: Interval
    difference: Interval

    @property
    def kept(self) -> bool:
        low, high = self.difference.low, self.difference.high
        return low is None or high is None or low <= 0 <= high


def hold(
    policy: Policy, outcomes: Sequence[Outcome], known: Mapping[Seen, Mapping[str, float]] | None = None
) -> tuple[Held, ...]:
    """What a policy promised beside what its leaves came to in other sweeps: accuracy, and every meter that both have.

    Use it on problems that the policy was not made from: fresh ones of the kind it serves, or a half that was kept back.
    The interval of a difference has both errors in it: that of the promise, and that of the problems observed.
    Errors: `Refused` for the very records that it was made from, and where its strategies were not run.
    Source: Zou and Donner 2008, Statistics in Medicine 27(10) (recalled): ends of a difference from those of both.
    """
    own = [o for o in outcomes if o.engine == policy.engine]
    table = make_table([o for o in own if _of_leaf(o, policy)] or _missing(policy), scorer=policy.scorer)
    _check_fresh(policy, own)
    grades, spent = _served(policy, table, known or {})
    accuracy = accuracy_interval(list(grades), table.groups, policy.level)
    found = [Held("accuracy", policy.accuracy, accuracy, difference_of(accuracy, policy.accuracy))]
    for name in NUMBERS:
        if name in policy.costs and name in spent and np.isfinite(spent[name]).all():
            seen = mean_interval(list(spent[name]), table.groups, policy.level)
            found.append(Held(name, policy.costs[name], seen, difference_of(seen, policy.costs[name])))
    return tuple(found)


def _served(
    policy: Policy, table: Table, known: Mapping[Seen, Mapping[str, float]]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    places = [_place(policy, table, leaf) for leaf in policy.leaves]
    if policy.split is None:
        one = Rule("agreement", -math.inf, places[0], places[0])
        where = np.ones(table.grades.shape[1:], dtype=bool)
    else:
        one = Rule(policy.split.on, policy.split.at_least, *places)
        where = kept(table, one, known_of(table, known))
    return graded(table, one, where), {
        name: costs(table, meter, one, where) for name, meter in table.meters.items() if not np.isnan(meter).all()
    }


def _of_leaf(outcome: Outcome, policy: Policy) -> bool:
    return any(outcome.identity == leaf.strategy and outcome.budget == leaf.budget for leaf in policy.leaves)


def _place(policy: Policy, table: Table, leaf: Leaf) -> int:
    for i, cell in enumerate(table.cells):
        if _same(cell, leaf, policy.engine):
            return i
    raise Refused("not-measured", f"{leaf.label} at {leaf.budget} was not run on {policy.engine}", "the sweep",
                  "sweep it on other problems, and give that folder")  # fmt: skip


def _same(cell: Cell, leaf: Leaf, engine: str) -> bool:
    return (cell.identity, cell.budget, cell.engine) == (leaf.strategy, leaf.budget, engine)


def _missing(policy: Policy) -> list[Outcome]:
    names = " and ".join(f"{leaf.label} at {leaf.budget}" for leaf in policy.leaves)
    raise Refused("not-measured", f"{names} was not run on {policy.engine}", "the sweep",
                  "sweep it on other problems, and give that folder")  # fmt: skip


def _check_fresh(policy: Policy, outcomes: Sequence[Outcome]) -> None:
    try:
        whole = make_table(outcomes, scorer=policy.scorer, kind=policy.selector_kind)
    except Refused:
        return  # not what it was made from, for that could be planned from
    if whole.fingerprint == policy.records:
        raise Refused("same-records", "the policy was made from these very records, on which it cannot fail", "the sweep",
                      "hold it against a sweep of other problems")  # fmt: skip


def difference_of(observed: Interval, promised: Interval) -> Interval:
    """How much more was observed than promised, with the errors of both: ends are those of the sides that meet."""
    if observed.value is None or promised.value is None:
        return Interval(None, why="one of both is not known")
    gap = observed.value - promised.value
    ends = (observed.low, observed.high, promised.low, promised.high)
    if any(end is None for end in ends):
        return Interval(gap, why="one of both has no interval")
    low, high, from_low, from_high = (float(end or 0.0) for end in ends)
    return Interval(
        gap, gap - math.hypot(observed.value - low, from_high - promised.value),
        gap + math.hypot(high - observed.value, promised.value - from_low),
    )  # fmt: skip
