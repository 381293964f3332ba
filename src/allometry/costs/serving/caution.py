"""How much load a deployment has, given the spread of the factors, and the plan that keeps up even so."""

from __future__ import annotations

import math
from collections.abc import Iterable

from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.plan import Plan, layout
from allometry.costs.serving.roofline import Roofline, factor_names
from allometry.costs.serving.screening import Demand, screen
from allometry.costs.serving.spread import combined
from allometry.notices import Interval

# Plans come by cost, so that one that keeps up is soon found or dear.
MOST_TRIED = 200


def load_spread(demand: Demand, deployment: Deployment) -> Interval:
    """Offered requests over the most that can be served, with the interval of the factors' spread, in closed form."""
    value = screen(demand, deployment, Roofline(deployment)).load
    if not math.isfinite(value):
        return Interval(None, why="all requests are there from the start")
    changes = {
        name: [
            screen(demand, deployment, Roofline(deployment, {name: end})).load
            for end in deployment.hardware.factor(name).ends
        ]
        for name in factor_names(deployment)
    }
    return combined(value, changes)


def cautious_plan(demand: Demand, plans: Iterable[Plan]) -> tuple[Plan, Interval] | None:
    """The first of these plans that keeps up to the upper end of its load, and that load; None where none is found.

    Use it beside the best plan while the factors are not calibrated: what it costs more is the price of not knowing.
    """
    seen: set[tuple[object, ...]] = set()
    for plan in plans:
        if layout(plan) in seen or not plan.meets:
            continue
        seen.add(layout(plan))
        load = load_spread(demand, plan.deployment)
        if load.high is None or load.high < 1:
            return plan, load
        if len(seen) == MOST_TRIED:
            break
    return None
