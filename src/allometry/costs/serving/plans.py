"""Which deployment to run: every split of the devices, screened in closed form, the front-runners simulated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allometry.costs.hardware import Hardware
from allometry.costs.prices import SECONDS_PER_HOUR, TOKENS_PER_PRICE, Price
from allometry.costs.serving.deployments import (
    BATCH_TOKENS,
    MAX_BATCH,
    Deployment,
)
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.roofline import Roofline
from allometry.costs.serving.screening import Demand, Screened, screen
from allometry.costs.serving.served import Served
from allometry.costs.serving.simulation import simulate
from allometry.costs.serving.step_times import StepTimes
from allometry.costs.serving.traces import Trace
from allometry.notices import Notice

SIMULATED = 12
# Screening leaves queues of chance out, so that where goals are not met the search goes on to dearer plans.
PATIENCE = 3

Tick = Callable[[int], Any]
Timing = Callable[[Deployment], StepTimes]


@dataclass(frozen=True)
class Plan:
    """A deployment with its steady state, and where it was simulated, what the trace met."""

    screened: Screened
    served: Served | None
    price: Price | None
    goals: Goals

    @property
    def deployment(self) -> Deployment:
        return self.screened.deployment

    @property
    def attainment(self) -> float | None:
        return None if self.served is None else self.served.attainment(self.goals)

    @property
    def meets(self) -> bool:
        """Whether it keeps up with the load and reaches the goals: as simulated, else by the means of its steady state."""
        if not self.screened.keeps_up:
            return False
        if self.served is not None:
            attained = self.attainment
            return attained is None or attained >= self.goals.attain
        late = self.goals.ttft is not None and self.screened.ttft > self.goals.ttft
        return not late and not (self.goals.tpot is not None and self.screened.tpot > self.goals.tpot)

    @property
    def token_rate(self) -> float:
        """Generated tokens a second that it goes on giving: the load where it keeps up, else the most it can.

        Of requests that are all there from the start it is what the simulation gave, the last and slow ones included.
        """
        offline = math.isinf(self.screened.load) and self.served is not None
        return self.served.throughput if offline and self.served else self.screened.throughput

    @property
    def device_seconds_per_token(self) -> float:
        return self.deployment.devices / self.token_rate

    @property
    def joules_per_token(self) -> float | None:
        """At full power all the time; None where the power is not known."""
        power = self.deployment.hardware.power
        return None if power is None else power * self.device_seconds_per_token

    @property
    def money_per_hour(self) -> float | None:
        """None without a price of devices."""
        return None if self.price is None else self.price.of_devices(SECONDS_PER_HOUR, self.deployment.devices)

    @property
    def money_per_million(self) -> float | None:
        """For a million generated tokens, prompts and idle time included; None without a price of devices."""
        hour = self.money_per_hour
        return None if hour is None else hour / SECONDS_PER_HOUR / self.token_rate * TOKENS_PER_PRICE


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
    best; when none reaches the goals, up to three times as many.
    """
    goals, timed = goals or Goals(), _once(times)
    demand = Demand.of(trace)
    plans = [
        Plan(screen(demand, deployment, timed(deployment)), None, prices(deployment.hardware), goals)
        for deployment in deployments
    ]
    money, notices = _money(plans)
    plans.sort(key=lambda plan: _order(plan, money))
    run = _Runs(trace, timed, tick)
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
        key = (id(deployment.hardware), deployment.tensor, deployment.pipeline)
        if key not in known:
            known[key] = times(deployment)
        return known[key]

    return timed


@dataclass(frozen=True)
class _Runs:
    trace: Trace
    times: Timing
    tick: Tick | None

    def front(self, plans: Sequence[Plan], count: int) -> list[Plan]:
        """The best of each split and number of replicas, in order, until enough are simulated."""
        seen: set[tuple[object, ...]] = set()
        done: list[Plan] = []
        for plan in plans:
            if layout(plan) in seen:
                continue
            seen.add(layout(plan))
            done.append(self.simulated(plan))
            if len(done) >= count and (any(p.meets for p in done) or len(done) >= PATIENCE * count):
                break
        return done

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


def layout(plan: Plan) -> tuple[object, ...]:
    """What a plan is but for the limits of its batches."""
    deployment = plan.deployment
    return id(deployment.hardware), deployment.replicas, deployment.tensor, deployment.pipeline


def _budget(plan: Plan) -> tuple[int, bool]:
    return plan.deployment.batch_tokens, plan.deployment.chunked


def _order(plan: Plan, money: bool) -> tuple[object, ...]:
    """Plans that meet the goals first; then by what is ranked; then fewer devices, shorter latencies, usual limits."""
    deployment = plan.deployment
    unusual = (deployment.max_batch != MAX_BATCH) + (deployment.batch_tokens != BATCH_TOKENS)
    latency = plan.screened.latency if plan.served is None else float(np.percentile(plan.served.latency, 95))
    return (
        not plan.meets,
        _rounded(_value(plan, money)),
        deployment.devices,
        _rounded(latency),
        unusual,
        deployment.max_batch,
    )


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
    return getattr(screened, rank) if served is None else float(np.nanpercentile(getattr(served, rank), 95))


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
