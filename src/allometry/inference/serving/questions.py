"""What a deployment gives where the questions of a sweep come at a rate: accuracy, cost per correct answer, latency."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allometry.costs import Price
from allometry.costs.serving import (
    Demand,
    Deployment,
    Roofline,
    Screened,
    Served,
    StepTimes,
    load_spread,
    screen,
    simulate,
)
from allometry.costs.serving.roofline import factor_names
from allometry.costs.serving.spread import MOST_REQUESTS, combined
from allometry.costs.serving.traces import Floats
from allometry.inference.serving.trace import Load
from allometry.inference.sweeps import Row
from allometry.notices import Interval, Notice, Refused

PERCENTILES = (50, 95, 99)
SECONDS_PER_HOUR = 3600.0

Tick = Callable[[int], Any]


@dataclass(frozen=True)
class Answered:
    """A row of a sweep under a load of `rate` questions a second.

    `latency` holds seconds of each answered question, `spread` the intervals of `load` and of the latency's percentiles
    by the factors of the times. Where it does not keep up, latencies grow with the number of questions.
    """

    row: Row
    rate: float
    load: Load
    served: Served
    screened: Screened
    latency: Floats
    spread: dict[str, Interval]
    price: Price | None

    @property
    def keeps_up(self) -> bool:
        return self.screened.keeps_up

    @property
    def capacity(self) -> float:
        """Questions a second from which on the queue grows, in closed form."""
        return self.rate / self.screened.load

    @property
    def throughput(self) -> float:
        """Answered questions a second: those that come where it keeps up, else what it gave, ends included."""
        done = self.rate if self.keeps_up else self.load.questions / self.served.seconds
        return done * float(self.load.answered.sum()) / self.load.questions

    def percentile(self, percent: float) -> float | None:
        return float(np.percentile(self.latency, percent)) if self.latency.size else None

    @property
    def device_hours(self) -> float:
        """Hours of devices for a question, those in which they stand idle included."""
        seconds = 1 / self.rate if self.keeps_up else self.served.seconds / self.load.questions
        return self.served.deployment.devices * seconds / SECONDS_PER_HOUR

    @property
    def money(self) -> float | None:
        """For a question; None without a price of devices."""
        return None if self.price is None else self.price.of_devices(self.device_hours * SECONDS_PER_HOUR, 1)

    def per_correct(self, cost: float | None) -> Interval:
        """What a correct answer costs where a question costs this: the interval is that of the accuracy."""
        accuracy = self.row.accuracy
        if cost is None:
            return Interval(None, why="no price of an hour of these devices is known")
        if not accuracy.value:
            return Interval(None, None if not accuracy.high else cost / accuracy.high, None,
                            accuracy.why or "no answer was right")  # fmt: skip
        low, high = (None if not end else cost / end for end in (accuracy.high, accuracy.low))
        return Interval(cost / accuracy.value, low, high, accuracy.why)


def check_rates(rates: Sequence[float], where: str) -> None:
    """Refuse rates that are not positive."""
    for rate in rates:
        if not (math.isfinite(rate) and rate > 0):
            raise Refused("bad-rate", f"{rate:g} questions a second cannot come", where, "give rates above 0: 0.5,1,2")


def answer(
    row: Row, load: Load, rate: float, deployment: Deployment, *, times: StepTimes | None = None,
    price: Price | None = None, seed: int = 0, tick: Tick = lambda done: None,
) -> Answered:  # fmt: skip
    """A row of a sweep as a deployment serves it, `rate` questions a second.

    Use it to choose a strategy by what it costs and how long people wait, where many ask at once. Every question comes
    once, by chance. Arguments: `times` of iterations, by default a `Roofline` of the deployment, whose factors are then
    taken to their ends as well (on the first 2,000 requests).
    Errors: `Refused` for rates that are not positive and requests that do not fit.
    """
    check_rates([rate], "the load")
    coming = load.at(rate, seed)
    used = times or Roofline(deployment)
    served = simulate(coming.trace, deployment, used)
    tick(1)
    demand = replace(Demand.of(coming.trace), rate=rate * len(coming.trace) / load.questions)
    latency = coming.latency(served)
    spread = {} if times is not None else _spread(coming, demand, deployment, latency)
    tick(1)
    return Answered(row, rate, coming, served, screen(demand, deployment, used), latency, spread, price)


def _spread(load: Load, demand: Demand, deployment: Deployment, latency: Floats) -> dict[str, Interval]:
    """Of the load in closed form, and of latencies: the changes on the first requests, as shares of the whole's."""
    first = load.first(MOST_REQUESTS)

    def percentiles(times: StepTimes) -> Floats | None:
        found = first.latency(simulate(first.trace, deployment, times))
        return np.percentile(found, PERCENTILES) if found.size else None

    middle = percentiles(Roofline(deployment))
    found = {"load": load_spread(demand, deployment)}
    if middle is None:
        return found
    ends = {
        name: [percentiles(Roofline(deployment, {name: end})) for end in deployment.hardware.factor(name).ends]
        for name in factor_names(deployment)
    }
    for place, percent in enumerate(PERCENTILES):
        changed = {name: [float(one[place]) for one in both if one is not None] for name, both in ends.items()}
        around = combined(float(middle[place]), changed)
        share = float(np.percentile(latency, percent)) / float(middle[place])
        low, high = (None if end is None else end * share for end in (around.low, around.high))
        found[f"latency.p{percent}"] = Interval(around.value and around.value * share, low, high, around.why)
    return found


def overload(answered: Sequence[Answered]) -> tuple[Notice, ...]:
    """What does not keep up, and from which rate on."""
    return tuple(
        Notice("overload", f"{one.row.strategy} at {one.rate:g} questions a second is asked for {one.screened.load:.2f} times "
               f"what {one.served.deployment.devices} device{'s' * (one.served.deployment.devices > 1)} can serve "
               f"({one.capacity:.3g} a second): its queue grows as long as questions come, and latencies with it")
        for one in answered if not one.keeps_up
    )  # fmt: skip


def rebuilt(row: Row, load: Load) -> tuple[Notice, ...]:
    """What of a row could not be taken from the records as it was."""
    found = []
    if load.lost:
        found.append(Notice("not-rebuilt", f"{load.lost} of {load.lost + load.questions} episodes of {row.strategy} are left "
                            "out of the load: their calls or tokens in the records are not those of their meter"))  # fmt: skip
    if load.unlike:
        found.append(Notice("chains-differ", f"{load.unlike} of {load.questions} episodes of {row.strategy} have another "
                            "longest chain of tokens than their meter says: which calls waited for which is not certain"))  # fmt: skip
    return tuple(found)
