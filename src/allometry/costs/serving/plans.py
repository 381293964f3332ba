"""Which deployment to run: every split of the devices, screened in closed form, the front-runners simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from allometry.costs.hardware import Hardware
from allometry.costs.prices import Price
from allometry.costs.serving.deployments import BATCH_TOKENS, MAX_BATCH, Deployment
from allometry.costs.serving.front import Simulations, Tick, Timing
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.plan import Plan
from allometry.costs.serving.roofline import Roofline
from allometry.costs.serving.screening import Demand, screen
from allometry.costs.serving.served import Spread
from allometry.costs.serving.step_times import StepTimes
from allometry.costs.serving.traces import Trace
from allometry.notices import Notice

SIMULATED = 12


@dataclass(frozen=True)
class Ranking:
    """Plans, best first: those simulated, then the rest by their steady state."""

    plans: tuple[Plan, ...]
    notices: tuple[Notice, ...]

    @property
    def best(self) -> Plan:
        return self.plans[0]

    @property
    def simulated(self) -> int:
        return sum(plan.served is not None for plan in self.plans)


def rank_plans(
    trace: Trace, deployments: Iterable[Deployment], goals: Goals | None = None, *, times: Timing = Roofline,
    prices: Callable[[Hardware], Price | None] = lambda hardware: hardware.price, simulated: int = SIMULATED,
    tick: Tick | None = None,
) -> Ranking:  # fmt: skip
    """Deployments ranked under a trace: all by their steady state, the front-runners by simulation.

    Use it to choose replicas, splits and limits. Arguments: `deployments` as `deployments_of` lists them; `goals` of
    latency and what to rank by; `times` makes the times of a deployment's iterations; `prices` finds a device's price;
    `simulated` is how many front-runners are simulated, one a split and number of replicas, then the limits of the
    best; where none reaches the goals, ever less loaded plans until one does.
    """
    goals, timed = goals or Goals(), _once(times)
    demand = Demand.of(trace)
    plans = [
        Plan(screen(demand, deployment, timed(deployment)), None, prices(deployment.hardware), goals)
        for deployment in deployments
    ]
    money, notices = _money(plans)
    plans.sort(key=lambda plan: _order(plan, money))
    run = Simulations(trace, timed, tick)
    simulated_plans = run.front(plans, simulated)
    simulated_plans += run.limits(min(simulated_plans, key=lambda plan: _order(plan, money)), plans)
    done = {id(plan.screened) for plan in simulated_plans}
    simulated_plans.sort(key=lambda plan: _order(plan, money))
    ranked = (*simulated_plans, *(plan for plan in plans if id(plan.screened) not in done))
    return Ranking(ranked, (*notices, *_warnings(ranked[0])))


def _once(times: Timing) -> Timing:
    """Times are made once for deployments that differ in replicas and limits only."""
    known: dict[tuple[object, ...], StepTimes] = {}

    def timed(deployment: Deployment) -> StepTimes:
        d = deployment
        key = (id(d.shape), id(d.hardware), d.tensor, d.pipeline, d.precision, d.weights, d.cache)
        if key not in known:
            known[key] = times(deployment)
        return known[key]

    return timed


def _order(plan: Plan, money: bool) -> tuple[object, ...]:
    """Plans that meet the goals first; then by what is ranked; then fewer devices, shorter latencies, usual limits."""
    deployment = plan.deployment
    unusual = (deployment.max_batch != MAX_BATCH) + (deployment.batch_tokens != BATCH_TOKENS)
    latency = plan.screened.latency if plan.served is None else float(np.percentile(plan.served.latency, 95))
    value = _rounded(_value(plan, money))
    return not plan.meets, value, deployment.devices, _rounded(latency), unusual, deployment.max_batch


def _value(plan: Plan, money: bool) -> float:
    """What is ranked by; less is better."""
    served, screened, rank = plan.served, plan.screened, plan.goals.rank
    if rank == "cost":
        cost = plan.money_per_million if money else plan.device_seconds_per_token
        return math.inf if cost is None else cost
    if rank == "throughput":
        return -plan.token_rate
    if rank == "attainment":
        return -(plan.attainment or 0.0) if served else screened.ttft + screened.tpot
    if served is None:
        return getattr(screened, rank)
    found = Spread.of(getattr(served, rank))
    return found.p95 if found else 0.0


def _rounded(value: float) -> float:
    """To three digits: plans that differ by less are told apart by what comes next."""
    return float(f"{value:.3g}")


def _money(plans: Sequence[Plan]) -> tuple[bool, tuple[Notice, ...]]:
    """Whether plans can be ranked by money: every device has a price, in one currency."""
    if plans[0].goals.rank != "cost":
        return False, ()
    without = sorted(
        {plan.deployment.hardware.name for plan in plans if plan.price is None or plan.price.device_hour is None}
    )
    currencies = {plan.price.currency for plan in plans if plan.price is not None}
    if not without and len(currencies) == 1:
        return True, ()
    reason = (
        f"no price of {', '.join(without)} is known" if without else f"prices are in {', '.join(sorted(currencies))}"
    )
    return False, (Notice("no-price", f"{reason}: ranked by device-seconds per generated token, not by money"),)


def _warnings(best: Plan) -> tuple[Notice, ...]:
    load = best.screened.load
    if not best.screened.keeps_up:
        message = (f"no plan keeps up: the best is asked for {load:.2f} times what it can serve, so its queue grows as "
                   f"long as requests come; about {math.ceil(best.deployment.devices * load)} devices would do")  # fmt: skip
        return (Notice("overload", message),)
    if not best.meets:
        message = f"no simulated plan reaches the goals; the best attains {best.attainment:.1%} of the requests"
        return (Notice("goals-missed", message),)
    return ()
