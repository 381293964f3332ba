"""One option for each stage under one budget, exactly: models and samples of a pipeline, or processors of documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

from allometry.notices import Refused, Step
from allometry.plans.questions.answer import Answer

Array = NDArray[np.float64]

FRONTIER = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of the budget asked
MOST_OPTIONS = 200_000


@dataclass(frozen=True)
class Option:
    """A way to do a stage: its cost, and what it is worth."""

    stage: str
    name: str
    cost: float
    value: float


def chosen(options: Sequence[Option], budget: float) -> list[Option]:
    """One option of each stage with the largest sum of values whose costs are within the budget, by HiGHS.

    Errors: `Refused` where even the cheapest of each stage cost more, with what they cost.

    >>> [one.name for one in chosen([Option("a", "small", 1, 0.5), Option("a", "large", 5, 0.9),
    ...     Option("b", "small", 1, 0.4), Option("b", "large", 5, 0.6)], 6)]
    ['large', 'small']
    """
    stages = _checked(options, budget)
    least = sum(min(one.cost for one in ways) for ways in stages.values())
    if least > budget:
        raise Refused("budget-too-small", f"the cheapest option of each stage costs {least:.6g} together, the budget is {budget:.6g}",
                      "the budget", f"give {least:.6g} or more")  # fmt: skip
    position = {stage: i for i, stage in enumerate(stages)}
    index = [position[one.stage] for one in options]
    one_each = csr_matrix((np.ones(len(options)), (index, np.arange(len(options)))), shape=(len(stages), len(options)))
    costs, values = (np.array([getattr(one, name) for one in options], float) for name in ("cost", "value"))
    scale = max(budget, 1e-300)
    found = milp(
        -values,
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(costs[None] / scale, -np.inf, budget / scale)],
        integrality=np.ones(len(options)), bounds=Bounds(0, 1), options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    if found.x is None:
        raise Refused("no-plan", f"the solver found none: {found.message}", "the options", "check costs and values")
    picked = [one for one, taken in zip(options, found.x, strict=True) if taken > 0.5]
    return sorted(picked, key=lambda one: position[one.stage])


def choose(options: Sequence[Option], budget: float) -> Answer:
    """The best option of each stage under a budget, what half or twice the budget would give, and the simplest rivals.

    Use it for models and samples of each stage of a pipeline, or for the processor of each document. Values must add up:
    where one stage's choice changes another's worth, list the combinations as the options of one stage.
    Errors: `Refused` for numbers that cannot be, and a budget below the cheapest options.

    >>> choose([Option("a", "small", 1, 0.5), Option("a", "large", 5, 0.9), Option("b", "small", 1, 0.4)], 6).sentence
    'a: large, b: small; worth 1.3 for 6 of a budget of 6'
    """
    best = chosen(options, budget)
    value, cost = sum(one.value for one in best), sum(one.cost for one in best)
    least = sum(min(one.cost for one in ways) for ways in _checked(options, budget).values())
    frontier = [(share * budget, chosen(options, share * budget)) for share in FRONTIER if share * budget >= least]
    greedy = sum(one.value for one in greedily(options, budget))
    names = ", ".join(f"{one.stage}: {one.name}" for one in best[:12]) + (" ..." if len(best) > 12 else "")
    return Answer(
        question="one option for each stage under a budget",
        sentence=f"{names}; worth {value:.4g} for {cost:.4g} of a budget of {budget:.4g}",
        rows=tuple({"stage": one.stage, "option": one.name, "cost": one.cost, "value": one.value} for one in best),
        figures={"value": value, "cost": cost, "value by the greedy rule": greedy,
                 **{f"value at a budget of {amount:.4g}": sum(one.value for one in found) for amount, found in frontier}},
        steps=(
            Step("values", "add up over stages, as given", "assumed"),
            Step("solver", "multiple-choice knapsack, solved to the last digit by HiGHS (scipy.optimize.milp)", "assumed"),
        ),
    )  # fmt: skip


def greedily(options: Sequence[Option], budget: float) -> list[Option]:
    """The cheapest of each stage, then the steps of most value for their cost while they fit.

    With two options a stage and equal extra costs this is to send the items of largest gain to the dear one, which is
    exact (Siebenschuh et al. 2025, arXiv 2505.01435).
    """
    taken = {
        stage: min(ways, key=lambda one: (one.cost, -one.value)) for stage, ways in _checked(options, budget).items()
    }
    spent = sum(one.cost for one in taken.values())
    steps = sorted(_steps(options, taken), key=lambda step: -step[0])
    for _, one in steps:
        more = one.cost - taken[one.stage].cost
        if one.value > taken[one.stage].value and spent + more <= budget:
            taken[one.stage], spent = one, spent + more
    return list(taken.values())


def _steps(options: Sequence[Option], start: Mapping[str, Option]) -> Iterable[tuple[float, Option]]:
    for one in options:
        first = start[one.stage]
        if one.cost > first.cost and one.value > first.value:
            yield (one.value - first.value) / (one.cost - first.cost), one


def _checked(options: Sequence[Option], budget: float) -> dict[str, list[Option]]:
    if not options or len(options) > MOST_OPTIONS:
        raise Refused(
            "bad-options", f"{len(options)} options are none to choose from", "the options", f"give 1 to {MOST_OPTIONS}"
        )
    for one in options:
        if not (np.isfinite(one.cost) and one.cost >= 0 and np.isfinite(one.value)):
            raise Refused("bad-value", f"{one.stage}, {one.name} costs {one.cost:g} and is worth {one.value:g}", "the options",
                          "give costs from 0 on, and numbers as values")  # fmt: skip
    if not np.isfinite(budget):
        raise Refused("bad-value", f"{budget:g} is no budget", "the budget", "give a number")
    stages: dict[str, list[Option]] = {}
    for one in options:
        stages.setdefault(one.stage, []).append(one)
    return stages
