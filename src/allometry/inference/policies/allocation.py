"""One budget over questions of several classes: which cell answers each class, chosen exactly and judged on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.inference.policies.best import Folds, Judged
from allometry.inference.policies.goal import Goal, cost_of
from allometry.inference.policies.table import Array, Table
from allometry.inference.sweeps import accuracy_interval, mean_interval
from allometry.notices import Interval, Refused
from allometry.plans.questions import Option, chosen


@dataclass(frozen=True)
class Allocated:
    """A cell for each class, and what that comes to on problems it was not chosen on.

    `gain` is the accuracy above that of the best single cell within the same budget, chosen and judged alike.
    """

    cells: Mapping[str, int]
    accuracy: Interval
    cost: Interval
    gain: Interval


def allocate(table: Table, classes: Mapping[str, str], goal: Goal, level: float = 0.9) -> Allocated:
    """The cell for each class of questions that makes most of a budget for all of them together.

    Use it where questions come with a class that is known before they are answered: a topic, a level of difficulty. It
    is a knapsack with one choice a class, solved exactly (`plans.questions.chosen`). Few problems in a class make a
    choice for it uncertain; the accuracy that is told is that of classes chosen on other problems.
    Arguments: `classes` by problem; `goal` with a budget, the mean over all questions as they are in the table.
    Errors: `Refused` without a budget, for problems without a class, and a budget that holds no cell.
    """
    if goal.budget is None:
        raise Refused("no-budget", "an allocation shares a budget", "the goal", "give a budget")
    missing = [problem for problem in table.problems if problem not in classes]
    if missing:
        raise Refused("no-class", f"problem {missing[0]!r} has no class", "the classes", "give one for every problem")
    names = np.array([classes[problem] for problem in table.problems])
    grades, spent = np.nanmean(table.grades, axis=2), np.nanmean(cost_of(table, goal), axis=2)
    whole = _choose(table, names, grades, spent, goal.budget, np.ones(len(names), dtype=bool))
    folds = Folds.of(table.codes)
    one = folds.on_others(lambda rest: goal.pick(grades[:, rest].mean(axis=1), spent[:, rest].mean(axis=1)))
    several = folds.on_others(lambda rest: _choose(table, names, grades, spent, goal.budget or 0.0, rest))
    # a class that others had no problem of is answered as all together would be
    cells = [np.array([own.get(name, single) for name in names]) for own, single in zip(several, one, strict=True)]
    every = np.arange(len(names))
    made = Judged(folds.numbers, np.array([grades[own, every] for own in cells]), grades[_cells(whole, names), every])
    used = Judged(folds.numbers, np.array([spent[own, every] for own in cells]), spent[_cells(whole, names), every])
    gain = made.held_out - Judged(folds.numbers, grades[one], grades[0]).held_out
    return Allocated(
        whole, accuracy_interval(list(made.held_out), table.groups, level), mean_interval(list(used.of_whole), table.groups, level),
        mean_interval(list(gain), table.groups, level),
    )  # fmt: skip


def _cells(chosen: Mapping[str, int], names: NDArray[np.str_]) -> NDArray[np.intp]:
    return np.array([chosen[str(name)] for name in names])


def _choose(
    table: Table, names: NDArray[np.str_], grades: Array, spent: Array, budget: float, which: NDArray[np.bool_]
) -> dict[str, int]:
    """A cell for each class among some of the problems: costs and values are shares of their means."""
    options = []
    for name in np.unique(names[which]):
        own = which & (names == name)
        share = own.sum() / which.sum()
        options += [
            Option(
                str(name), f"{cell}", float(spent[cell, own].mean() * share), float(grades[cell, own].mean() * share)
            )
            for cell in range(len(table.cells))
        ]
    return {one.stage: int(one.name) for one in chosen(options, budget)}
