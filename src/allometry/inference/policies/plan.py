"""A plan of test time from the records of sweeps: the strategy and budget to use, with what it will come to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from allometry.costs import Price
from allometry.inference.policies.best import Folds, Judged, all_at_once
from allometry.inference.policies.goal import Choice, Goal, choose, cost_of
from allometry.inference.policies.life import Life, with_life
from allometry.inference.policies.rules import Known, Rule, Seen, best_rule, costs, graded, kept
from allometry.inference.policies.table import Array, Cell, Table, make_table
from allometry.inference.sweeps import Outcome, accuracy_interval, mean_interval
from allometry.notices import Interval, Refused


@dataclass(frozen=True)
class Promise:
    """What a choice comes to, less what having been chosen flatters it: accuracy, and cost in every meter that is known.

    `grades` and `spent` (in the goal's unit) are those of the choices of other folds, by problem; `agreeing` is the share
    of the folds that chose what the whole table chooses.
    """

    accuracy: Interval
    costs: Mapping[str, Interval]
    grades: Array
    spent: Array
    agreeing: float


@dataclass(frozen=True)
class TestTime:
    """A plan: the cell to use, or a rule between two, and what stands behind it.

    `choice` is on the whole table. `promise` is of the rule where there is one, else of the cell; `constant` of the cell
    in any case. `naive` is the accuracy of the cell on the very problems that it was chosen on. `sure` is the cheapest
    cell that reaches the target for certain. `frontier` holds, for rising costs, the best accuracy, judged on other
    problems than it was chosen on. `rule_gain` is what the rule adds (accuracy for a budget; cost saved at a target),
    and `why_no_rule` says why none is kept.
    """

    __test__ = False  # pytest collects what is called Test

    goal: Goal
    table: Table
    choice: Choice
    promise: Promise
    constant: Promise
    naive: float
    sure: int | None
    frontier: tuple[tuple[int, Interval], ...]
    rule: Rule | None
    rule_gain: Interval | None
    why_no_rule: str
    level: float
    life: Life | None = None

    @property
    def cell(self) -> Cell:
        """The cell that is recommended."""
        return self.table.cells[self.choice.cell]


def plan_test_time(
    outcomes: Sequence[Outcome],
    goal: Goal,
    *,
    scorer: str | None = None,
    kind: str | None = None,
    price: Price | None = None,
    life: Life | None = None,
    known: Mapping[Seen, Mapping[str, float]] | None = None,
    level: float = 0.9,
) -> TestTime:
    """The cheapest strategy and budget for a target accuracy, or the best for a budget, from outcomes of sweeps.

    Use it on sweeps of the problems you will serve, or of problems like them. The cell is chosen on all problems. Its
    accuracy and cost there are less what having been chosen flatters them: choices made in the same way on nine tenths
    of the problems are judged on the last, ten times over, and what they lose is taken off. For a budget, the cheapest of the cells that
    cannot be told from the best is taken. A rule is kept only where it beats what is constant beyond its interval.
    Arguments: `scorer` and `kind` (of selector) where the outcomes hold several, which are never mixed; `price` for
    money; `life` for training compute over a number of requests; `known`, numbers by problem that a rule may look at
    before asking: prompt_length, score.
    Errors: `Refused` where the target is not reached or the budget holds no cell, saying the most or least there is,
    and for what cannot be planned from.
    """
    table = make_table(outcomes, scorer=scorer, kind=kind, price=price)
    if life is not None:
        table = with_life(table, life)
    return plan_table(table, goal, known=known_of(table, known or {}), level=level, life=life)


def plan_table(table: Table, goal: Goal, *, known: Known, level: float = 0.9, life: Life | None = None) -> TestTime:
    """`plan_test_time` of a table that is made."""
    meter = cost_of(table, goal)
    grades, spent = _mean(table.grades), _mean(meter)
    _check_reached(table, goal, grades.mean(axis=1), spent.mean(axis=1))
    choice = choose(grades, spent, table.codes, goal, level)
    folds = Folds.of(table.codes)
    on_rest = folds.on_others(lambda rest: choose(grades[:, rest], spent[:, rest], table.codes[rest], goal, level))
    constant = _promised(table, meter, folds, [made.cell for made in on_rest], choice.cell, level)
    best = _promised(table, meter, folds, [made.first for made in on_rest], choice.first, level)
    rule, promise, gain, why = _with_rule(table, meter, known, goal, folds, constant, best, level)
    low, high = all_at_once(grades, table.codes, level)
    sure = None
    if goal.target is not None:
        choice = replace(choice, alike=_may_reach(choice.cell, high, spent.mean(axis=1), goal.target))
        sure = _cheapest(np.flatnonzero(low >= goal.target), spent.mean(axis=1))
    return TestTime(
        goal, table, choice, promise, constant, float(grades[choice.cell].mean()), sure,
        _frontier(table, meter, folds, level), rule, gain, why, level, life,
    )  # fmt: skip


def known_of(table: Table, known: Mapping[Seen, Mapping[str, float]]) -> Known:
    """Numbers by problem as arrays; what is not known of every problem is refused."""
    for name, values in known.items():
        missing = [problem for problem in table.problems if problem not in values]
        if missing:
            raise Refused("not-known", f"problem {missing[0]!r} has no {name}", name, "give one for every problem")
        if not all(np.isfinite(values[problem]) for problem in table.problems):
            raise Refused("bad-value", f"a {name} is no finite number", name, "give plain numbers")
    return Known({name: np.array([values[p] for p in table.problems], float) for name, values in known.items()})


def _check_reached(table: Table, goal: Goal, accuracy: Array, cost: Array) -> None:
    if goal.met(accuracy, cost).any():
        return
    cell = table.cells[goal.pick(accuracy, cost)].name
    if goal.target is not None:
        raise Refused("not-reached", f"no cell reaches {goal.target:.1%}: the most is {accuracy.max():.1%}, by {cell}", "--target",
                      f"ask for {np.floor(1000 * accuracy.max()) / 10:g}% or less, or sweep more strategies and larger budgets")  # fmt: skip
    raise Refused("not-within", f"no cell costs {goal.budget:.6g} {goal.unit.replace('_', ' ')} or less: the least is "
                  f"{cost.min():.6g}, by {cell}", "--budget", "give more, or sweep smaller budgets")  # fmt: skip


def _promised(table: Table, meter: Array, folds: Folds, cells: Sequence[int], whole: int, level: float) -> Promise:
    """What a cell comes to, with the cells that each fold's others chose."""

    def judged_of(values: Array) -> Judged:
        means = _mean(values)
        return Judged(folds.numbers, means[list(cells)], means[whole])

    return _promise(table, meter, judged_of, sum(cell == whole for cell in cells) / len(cells), level)


def _promise(
    table: Table, meter: Array, judged_of: Callable[[Array], Judged], agreeing: float, level: float
) -> Promise:
    meters = {name: values for name, values in table.meters.items() if not np.isnan(values).all()}
    judged = {name: judged_of(values) for name, values in meters.items()}
    told = {
        name: judged_interval(one, table.groups, level)
        for name, one in judged.items()
        if np.isfinite(one.of_whole).all()
    }
    grades = judged_of(table.grades)
    accuracy = judged_interval(grades, table.groups, level, shares=True)
    return Promise(accuracy, told, grades.held_out, judged_of(meter).held_out, agreeing)


def judged_interval(judged: Judged, groups: Sequence[str], level: float, *, shares: bool = False) -> Interval:
    """The mean under the choice of all with its interval: over problems, and of the correction, taken to be uncertain by its own size.

    That last part is assumed: how far the noise that a choice was made on lies from its mean is known in size only.
    `benchmarks/policies.py` has the coverage with it.
    """
    values = judged.of_whole
    if not shares:
        found = mean_interval(list(values), groups, level)
        return _wider(found, judged.correction, 0.0 if values.min() >= 0 else -math.inf, math.inf)
    mean = float(values.mean())  # corrections may lead a little out of what a share can be
    found = accuracy_interval(list(values - mean + min(max(mean, 0.0), 1.0)), groups, level)
    return _wider(found, judged.correction, 0.0, 1.0)


def _wider(found: Interval, by: float, least: float, most: float) -> Interval:
    if found.value is None or found.low is None or found.high is None:
        return found
    low = found.value - math.hypot(found.value - found.low, by)
    return replace(found, low=max(low, least), high=min(found.value + math.hypot(found.high - found.value, by), most))


def _with_rule(
    table: Table, meter: Array, known: Known, goal: Goal, folds: Folds, constant: Promise, best: Promise, level: float
) -> tuple[Rule | None, Promise, Interval | None, str]:
    """The rule, if it beats what is constant beyond its interval, judged on problems that neither was chosen on.

    The cheapest rule at a target is the one that chance helped over it, and falls short on other problems: it is then
    looked for once more, at a target that is higher by as much.
    """
    rule, promise = _ruled(table, meter, known, goal, folds, level)
    if rule is not None and promise is not None and goal.target is not None:
        short = goal.target - float(promise.grades.mean())
        if short > 0 and goal.target + short <= 1:
            rule, promise = _ruled(table, meter, known, replace(goal, target=goal.target + short), folds, level)
    if rule is None or promise is None:
        return None, constant, None, "nothing that is seen at serve time was measured"
    if goal.target is None:
        gain = mean_interval(list(promise.grades - best.grades), table.groups, level)
        if float(promise.spent.mean()) > (goal.budget or 0.0):
            return None, constant, gain, "the best rule costs more than the budget, judged on other problems"
    else:
        gain = mean_interval(list(constant.spent - promise.spent), table.groups, level)
        accuracy = float(promise.grades.mean())
        if accuracy < min(goal.target, float(constant.grades.mean())):
            return (
                None,
                constant,
                gain,
                f"the best rule comes to {accuracy:.1%} on other problems, which is not what is asked",
            )
    if gain.low is None or gain.low <= 0:
        return None, constant, gain, "the best rule is not better than one strategy for all, beyond its interval"
    return rule, promise, gain, ""


def _ruled(
    table: Table, meter: Array, known: Known, goal: Goal, folds: Folds, level: float
) -> tuple[Rule | None, Promise | None]:
    """The best rule on the whole table, and what it comes to; None where nothing is seen that could decide."""
    whole = best_rule(table, meter, known, goal, np.ones(len(table.problems), dtype=bool))
    made = folds.on_others(lambda rest: best_rule(table, meter, known, goal, rest))
    rules = [rule for rule in made if rule is not None]
    if whole is None or len(rules) < len(made):
        return None, None
    where = [kept(table, rule, known) for rule in (*rules, whole)]

    def judged_of(values: Array) -> Judged:
        given = values is table.grades
        of_all = [
            graded(table, r, w) if given else costs(table, values, r, w)
            for r, w in zip((*rules, whole), where, strict=True)
        ]
        return Judged(folds.numbers, np.array(of_all[:-1]), of_all[-1])

    return whole, _promise(table, meter, judged_of, sum(rule == whole for rule in rules) / len(rules), level)


def _may_reach(cell: int, high: Array, cost: Array, target: float) -> tuple[int, ...]:
    """Cheaper cells that may reach the target as well."""
    return tuple(int(i) for i in np.flatnonzero((high >= target) & (cost < cost[cell])))


def _cheapest(cells: NDArray[np.intp], cost: Array) -> int | None:
    return int(cells[cost[cells].argmin()]) if len(cells) else None


def _frontier(table: Table, meter: Array, folds: Folds, level: float) -> tuple[tuple[int, Interval], ...]:
    """Cells no other is both cheaper and better than, and the accuracy of what is chosen so at each one's cost."""
    grades, spent = _mean(table.grades), _mean(meter)
    accuracy, cost = grades.mean(axis=1), spent.mean(axis=1)
    found: list[tuple[int, Interval]] = []
    for cell in np.lexsort((-accuracy, cost)):
        if found and accuracy[cell] <= accuracy[found[-1][0]]:
            continue
        goal = Goal(budget=max(float(cost[cell]), 1e-300) * (1 + 1e-9))
        made = folds.on_others(partial(_best_within, goal, grades, spent))
        judged = Judged(folds.numbers, grades[made], grades[cell])
        found.append((int(cell), judged_interval(judged, table.groups, level, shares=True)))
    return tuple(found)


def _best_within(goal: Goal, grades: Array, spent: Array, which: NDArray[np.bool_]) -> int:
    return goal.pick(grades[:, which].mean(axis=1), spent[:, which].mean(axis=1))


def _mean(values: Array) -> Array:
    """Over seeds."""
    return np.nanmean(values, axis=-1)
