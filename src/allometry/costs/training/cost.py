"""What a training run costs on given devices: FLOPs, memory, time, energy and money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allometry.costs._intervals import ends, inverse, spread_around, times
from allometry.costs.flops import training_flops
from allometry.costs.hardware import Hardware
from allometry.costs.prices import SECONDS_PER_HOUR, Price
from allometry.costs.training.bill import energy_of, money_of
from allometry.costs.training.grounds import grounds
from allometry.costs.training.job import Job
from allometry.costs.training.memory import Memory, training_memory
from allometry.costs.training.parallel import Parallelism, check_fits
from allometry.costs.training.steps import FACTORS, StepTime, pass_flops, step_seconds
from allometry.notices import Interval, Notice, Step


@dataclass(frozen=True)
class TrainingCost:
    """The cost of training a job on `tokens` tokens, on `devices` devices spread one way.

    `flops` are the model's, without what is run again; `memory` is the fullest device's; `step` the time of a step at
    the values of the efficiency factors. Times are intervals: each factor goes to the ends of its spread alone, and the logarithms
    of what that does to the time are added as squares, as for requests and serving. All at their worst together held
    97% and more of published steps, these hold 92% (benchmarks/training_times.py). `money` and `energy` are empty where no price or no power is known.
    """

    job: Job
    tokens: float
    hardware: Hardware
    spread: Parallelism
    flops: float
    memory: Memory
    step: StepTime
    seconds_per_step: Interval
    price: Price | None

    @property
    def steps(self) -> float:
        return self.job.steps(self.tokens)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """A warning where a device's part of the step lies outside what the hardware was calibrated on."""
        return self.hardware.factor("step").notices({
            "sequences": self.spread.micro_batch,
            "context": self.job.context,
            "parameters": self.job.shape.parameters().total,
        })  # fmt: skip

    @property
    def hours(self) -> Interval:
        return times(self.seconds_per_step, self.steps / SECONDS_PER_HOUR)

    @property
    def device_hours(self) -> Interval:
        return times(self.hours, self.spread.devices)

    @property
    def peak_share(self) -> Interval:
        """Model FLOPs over what the devices' dense peak would do in that time (MFU)."""
        at_peak = self.flops / self.steps / self.spread.devices / self.hardware.peak_flops(self.job.precision)
        return inverse(self.seconds_per_step, at_peak)

    @property
    def money(self) -> Interval:
        return money_of(self.device_hours, self.hardware, self.price)

    @property
    def energy(self) -> Interval:
        """Kilowatt-hours of the devices at full load; hosts, network and cooling come on top."""
        return energy_of(self.device_hours, self.hardware)

    @property
    def grounds(self) -> tuple[Step, ...]:
        return tuple(grounds(self.job, self.spread, self.hardware))

    def as_json(self) -> dict[str, Any]:
        """Every figure by name; bytes per device, seconds, hours, kilowatt-hours, money in the price's currency."""
        return {
            "flops": self.flops,
            "flops_run": _run_flops(self.job, self.spread) * self.steps,
            "steps": self.steps,
            "devices": self.spread.devices,
            "memory": self.memory.as_json(),
            "seconds_per_step": ends(self.seconds_per_step),
            "step": self.step.as_json(),
            "hours": ends(self.hours),
            "device_hours": ends(self.device_hours),
            "peak_share": ends(self.peak_share),
            "energy_kwh": ends(self.energy),
            "money": ends(self.money),
            "price": None if self.price is None else self.price.as_json(),
            "plan": self.spread.as_json(),
            "grounds": [ground.as_json() for ground in self.grounds],
        }


def training_cost(
    job: Job, tokens: float, hardware: Hardware, spread: Parallelism, price: Price | None = None
) -> TrainingCost:
    """The cost of one spread, whether or not it fits the device (see `fits`).

    Use it for a spread that is given; `fastest` searches one. `price` defaults to the hardware's own.
    Errors: `Refused` where the shape, batch or devices do not divide, and for figures that the hardware lacks.

    >>> from allometry.costs import find_hardware, find_shape
    >>> job = Job(shape=find_shape("llama-3-8b"), batch=128, context=8192)
    >>> found = training_cost(job, 1e12, find_hardware("h100"), Parallelism(data=4, context=2, zero=1))
    >>> 0.4 < found.peak_share.value < 0.6, found.spread.devices
    (True, 8)
    """
    job.steps(tokens)  # refuses what is no number of tokens
    check_fits(job, spread)
    step = step_seconds(job, spread, hardware, factor_values(hardware))
    return TrainingCost(
        job=job,
        tokens=tokens,
        hardware=hardware,
        spread=spread,
        flops=training_flops(job.shape, tokens, job.context),
        memory=training_memory(job, spread),
        step=step,
        seconds_per_step=_seconds_per_step(step.total, job, spread, hardware),
        price=price or hardware.price,
    )


def _seconds_per_step(total: float, job: Job, spread: Parallelism, hardware: Hardware) -> Interval:
    """The time of a step with the interval of the factors' spread, by the rule that requests and serving have."""
    values, beyond = factor_values(hardware), hardware.factor("step")
    changed = [[beyond.value * step_seconds(job, spread, hardware, {**values, name: end}).total for end in hardware.factor(name).ends]
               for name in FACTORS]  # fmt: skip
    return spread_around(beyond.value * total, [*changed, [beyond.low * total, beyond.high * total]])


def factor_values(hardware: Hardware) -> Mapping[str, float]:
    """The factors of a step at their values."""
    return {name: hardware.factor(name).value for name in FACTORS}


def fits(memory: Memory, hardware: Hardware) -> bool:
    """Whether what is kept on the device, host and disks has room there; what is not known has none."""
    rooms = ((memory.total, hardware.memory), (memory.host, hardware.host_memory), (memory.disk, hardware.disk_memory))
    return all(size <= (room or 0.0) for size, room in rooms)


def _run_flops(job: Job, spread: Parallelism) -> float:
    """FLOPs that all devices run in a step, what is run again among them."""
    return sum(pass_flops(job, spread)) * spread.micro_batches(job) * spread.devices
