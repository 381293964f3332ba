"""What a plan is to reach, and the cell that reaches it on given problems."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.axes import nearest_names
from allometry.inference.calls import NUMBERS
from allometry.inference.policies.best import Codes, may_be_best
from allometry.inference.policies.table import Array, Table
from allometry.notices import Refused

LIFE = "life_flops"
"""FLOPs of an answer with its share of the training, over the requests of a model's life."""
UNITS = (*NUMBERS, LIFE)
SAME_COST = 0.05
"""Costs this near to the least are no reason to take the less accurate of two cells: assumed."""


@dataclass(frozen=True)
class Goal:
    """A `target` accuracy at the least cost, or the best accuracy within a `budget`: a mean cost of a problem in `unit`.

    Errors: `Refused` unless it is one of both, and for numbers that cannot be.

    >>> Goal(target=0.6).words
    'an accuracy of 60.0% at the fewest generated tokens'
    """

    target: float | None = None
    budget: float | None = None
    unit: str = "generated_tokens"

    def __post_init__(self) -> None:
        if (self.target is None) == (self.budget is None):
            raise Refused("no-goal", "a plan needs a target or a budget, and not both", "--target, --budget",
                          "give --target 0.6, or --budget generated_tokens=500")  # fmt: skip
        if self.unit not in UNITS:
            near = ", ".join(nearest_names(self.unit, UNITS))
            raise Refused("unknown-unit", f"{self.unit!r} is no unit of cost", "--unit", f"the nearest are {near}")
        if self.target is not None and not 0 < self.target <= 1:
            raise Refused("bad-target", f"{self.target:g} is no accuracy", "--target", "give a share above 0, up to 1")
        if self.budget is not None and not 0 < self.budget < math.inf:
            raise Refused("bad-budget", f"{self.budget:g} is no budget", "--budget", "give a number above 0")

    @property
    def words(self) -> str:
        """The goal as people say it."""
        unit = self.unit.replace("_", " ")
        if self.target is not None:
            return f"an accuracy of {self.target:.1%} at the fewest {unit}"
        return f"the best accuracy for {self.budget:.6g} {unit} a problem"

    def met(self, accuracy: Array, cost: Array) -> NDArray[np.bool_]:
        """Which of many meet it: (n,) accuracies and costs."""
        return accuracy >= self.target if self.target is not None else cost <= (self.budget or 0.0)

    def pick(self, accuracy: Array, cost: Array) -> int:
        """The cheapest that reaches the target, or the best within the budget; where none does, the nearest to it."""
        met = self.met(accuracy, cost)
        if not met.any():
            return int(
                np.lexsort((cost, -accuracy))[0] if self.target is not None else np.lexsort((-accuracy, cost))[0]
            )
        keys = (-accuracy, cost) if self.target is not None else (cost, -accuracy)
        return int(np.flatnonzero(met)[np.lexsort([key[met] for key in keys])[0]])


def cost_of(table: Table, goal: Goal) -> Array:
    """(C, N, S) what each answer cost in the goal's unit.

    Errors: `Refused` where that was not measured, with what would give it.
    """
    held = table.meters.get(goal.unit)
    known = held is not None and not np.isnan(held[~np.isnan(table.grades)]).any()
    if not known or held is None or (goal.unit == "seconds" and not np.nansum(held)):
        mend = {"money": "give --price", LIFE: "give --trained ENGINE=FLOPS for each engine, and --requests"}
        raise Refused("no-cost", f"the answers have no {goal.unit.replace('_', ' ')}", "the sweep",
                      mend.get(goal.unit, "plan in generated_tokens or calls"))  # fmt: skip
    return held


@dataclass(frozen=True)
class Choice:
    """The cell that is recommended, the one that looks best (or cheapest), and those not told from it."""

    cell: int
    first: int
    alike: tuple[int, ...]


def choose(grades: Array, costs: Array, codes: Codes, goal: Goal, level: float) -> Choice:
    """The cheapest of the cells that cannot be told from the best within the budget; or the cheapest at the target.

    Of those that cost as good as the same (`SAME_COST`) the most accurate is taken.

    Arguments: `grades` and `costs` (C, N), means over seeds. At a target the ones `alike` are cheaper cells that may
    reach it too.
    """
    accuracy, cost = grades.mean(axis=1), costs.mean(axis=1)
    first = goal.pick(accuracy, cost)
    if goal.target is not None:
        return Choice(first, first, ())
    within = np.flatnonzero(goal.met(accuracy, cost))
    if not len(within):
        return Choice(first, first, ())
    alike = within[may_be_best(grades[within], codes, level)]
    alike = np.union1d(alike, [first])
    cheap = alike[cost[alike] <= (1 + SAME_COST) * cost[alike].min()]
    cheapest = cheap[np.lexsort((cost[cheap], -accuracy[cheap]))[0]]
    return Choice(int(cheapest), first, tuple(int(cell) for cell in alike))
