"""Which plans are simulated: the front-runners of the screening, and the limits of the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.plan import Plan, layout
from allometry.costs.serving.simulation import simulate
from allometry.costs.serving.step_times import StepTimes
from allometry.costs.serving.traces import Trace

# Screening leaves bursts and queues of chance out: where no front-runner reaches the goals, the next that is simulated
# has so much less load than any before it.
LESS_LOAD = 0.7

Tick = Callable[[int], Any]
Timing = Callable[[Deployment], StepTimes]


@dataclass(frozen=True)
class Simulations:
    """Simulates plans of one trace; `times` makes the times of a deployment's iterations."""

    trace: Trace
    times: Timing
    tick: Tick | None

    def front(self, plans: Sequence[Plan], count: int) -> list[Plan]:
        """The best limits of each split and number of replicas, the first `count` of them.

        When none of these reaches the goals, ever less loaded plans until one does, then `count` of those before it.
        """
        best = list(_layouts(plans))
        done = [self.simulated(plan) for plan in best[:count]]
        if any(plan.meets for plan in done):
            return done
        reached = len(best)
        for place, plan in enumerate(best[count:], count):
            if plan.screened.load <= LESS_LOAD * min(other.screened.load for other in done):
                done.append(self.simulated(plan))
                if done[-1].meets:
                    reached = place
                    break
        if reached == len(best):
            return done
        tried = {id(plan.screened) for plan in done}
        between = (plan for plan in best[count:reached] if id(plan.screened) not in tried)
        least = sorted(between, key=lambda plan: plan.screened.load)[:count]
        return done + [self.simulated(plan) for plan in least]

    def limits(self, best: Plan, plans: Sequence[Plan]) -> list[Plan]:
        """The best layout with its other limits; one that is larger than was ever filled changes nothing."""
        filled = {_budget(best): best.served.most} if best.served else {}
        same = [plan for plan in plans if layout(plan) == layout(best) and plan.screened is not best.screened]
        done = []
        for plan in sorted(same, key=lambda plan: -plan.deployment.max_batch):
            if plan.deployment.max_batch > filled.get(_budget(plan), math.inf):
                continue
            found = self.simulated(plan)
            assert found.served is not None
            filled[_budget(plan)] = found.served.most
            done.append(found)
        return done

    def simulated(self, plan: Plan) -> Plan:
        served = simulate(self.trace, plan.deployment, self.times(plan.deployment))
        if self.tick is not None:
            self.tick(1)
        return replace(plan, served=served)


def _layouts(plans: Sequence[Plan]) -> Iterator[Plan]:
    """The first plan of each split and number of replicas."""
    seen: set[tuple[object, ...]] = set()
    for plan in plans:
        if layout(plan) not in seen:
            seen.add(layout(plan))
            yield plan


def _budget(plan: Plan) -> tuple[int, bool]:
    return plan.deployment.batch_tokens, plan.deployment.chunked
