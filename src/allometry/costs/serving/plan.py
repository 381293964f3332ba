"""A deployment as a plan: what it gives, what it costs, and whether it reaches the goals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from allometry.costs.prices import SECONDS_PER_HOUR, TOKENS_PER_PRICE, Price
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.screening import Screened
from allometry.costs.serving.served import Served


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
        """Generated tokens a second: the load where it keeps up, else what the simulation gave, ends included."""
        steady = self.screened.keeps_up and math.isfinite(self.screened.load)
        return self.screened.throughput if steady or self.served is None else self.served.throughput

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


def layout(plan: Plan) -> tuple[object, ...]:
    """What a plan is but for the limits of its batches."""
    deployment = plan.deployment
    return id(deployment.hardware), deployment.replicas, deployment.tensor, deployment.pipeline
