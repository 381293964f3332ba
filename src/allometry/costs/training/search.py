"""The fastest spread of a job over devices among those that fit."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from allometry.costs._checks import check_choice, check_count
from allometry.costs.hardware import Hardware
from allometry.costs.prices import Price
from allometry.costs.training.cost import TrainingCost, factor_values, fits, training_cost
from allometry.costs.training.job import Job
from allometry.costs.training.memory import training_memory
from allometry.costs.training.parallel import RECOMPUTE, Parallelism, check_fits
from allometry.costs.training.steps import step_seconds
from allometry.notices import Refused

MOST_MICRO_BATCH = 64
INTERLEAVES = (1, 2, 4, 8)
MOST_DEVICES = 2**20
SHOWN = 5
# what leaves the device, from nothing to everything, in the order that costs more and more time
OFFLOADS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "none": ({},),
    "host": ({}, {"optimizer_on": "host"}, {"optimizer_on": "host", "weights_on": "host"}),
    "disk": (
        {}, {"optimizer_on": "host"}, {"optimizer_on": "host", "weights_on": "host"}, {"optimizer_on": "disk"},
        {"optimizer_on": "disk", "weights_on": "host"}, {"optimizer_on": "disk", "weights_on": "disk"},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Fastest:
    """The fastest plan that fits, the next ones of other degrees, and how many were looked at and fit.

    `fitting` leaves out spreads that save more than one that fits and are slower for it.
    """

    best: TrainingCost
    others: tuple[TrainingCost, ...]
    tried: int
    fitting: int


def fastest(
    job: Job,
    tokens: float,
    hardware: Hardware,
    devices: int,
    *,
    fixed: Mapping[str, Any] | None = None,
    offload: str = "none",
    price: Price | None = None,
) -> Fastest:
    """The spread over `devices` devices that takes the least time at the factors' values, among all that fit.

    Use it when the spread is free or partly so. Every combination of tensor, context, pipeline, expert and data
    parallelism that divides, micro-batch, interleaving, ZeRO stage and recomputation is tried: no heuristic cuts.

    Arguments: `fixed` holds fields of `Parallelism` that are given; `offload` is how far states may leave the device:
    "none", "host" or "disk".
    Errors: `Refused` when no combination divides, or none fits; then with the nearest that would: more devices, or
    states on the host.
    """
    job.steps(tokens)  # refuses what is no number of tokens
    check_count("devices", devices, where="the search")
    check_choice("offload", offload, tuple(OFFLOADS), "the search")
    given = _checked(job, fixed or {})
    ranked, tried = _ranked(job, hardware, devices, given, offload)
    if not tried:
        raise _nothing_divides(job, devices, given)
    if not ranked:
        raise _nothing_fits(job, hardware, devices, given, offload)
    best, *others = [training_cost(job, tokens, hardware, spread, price) for spread in _different(ranked)]
    return Fastest(best, tuple(others), tried, len(ranked))


def fewest_devices(
    job: Job, hardware: Hardware, *, fixed: Mapping[str, Any] | None = None, offload: str = "none"
) -> int:
    """The fewest devices that a job fits on, of what is fixed times a power of two.

    Errors: `Refused` when no number does.
    """
    check_choice("offload", offload, tuple(OFFLOADS), "the search")
    given = _checked(job, fixed or {})
    least = math.prod(given.get(name, 1) for name in ("tensor", "pipeline", "context", "data"))
    for devices in (least, *_doubled(least)):
        if _fits_somehow(job, hardware, devices, given, offload):
            return devices
    raise _nothing_fits(job, hardware, least, given, offload)


def _checked(job: Job, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """What is fixed, refused where it alone cannot be."""
    given = dict(fixed)
    check_fits(job, Parallelism(**{"data": given.get("expert", 1), **given}))
    return given


def _different(ranked: Iterable[tuple[float, Parallelism]]) -> list[Parallelism]:
    """The first spreads of different degrees."""
    found: dict[tuple[int, ...], Parallelism] = {}
    for _, spread in ranked:
        degrees = (spread.tensor, spread.pipeline, spread.context, spread.data, spread.expert)
        found.setdefault(degrees, spread)
        if len(found) > SHOWN:
            break
    return list(found.values())


def _ranked(
    job: Job, hardware: Hardware, devices: int, fixed: Mapping[str, Any], offload: str
) -> tuple[list[tuple[float, Parallelism]], int]:
    """Spreads that fit with their seconds, the fastest first, and how many were tried.

    A later ZeRO stage sends at least as much and recomputing runs more: where a spread fits without, those with are
    slower and not looked at.
    """
    factors = factor_values(hardware)
    found: list[tuple[float, Parallelism]] = []
    fitted: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    tried = 0
    for spread in spreads(job, devices, fixed, offload):
        tried += 1
        likes = fitted.setdefault(_apart_from_thrift(spread), [])
        thrift = (spread.zero, RECOMPUTE.index(spread.recompute))
        if any(zero <= thrift[0] and again <= thrift[1] for zero, again in likes):
            continue
        if fits(training_memory(job, spread), hardware):
            likes.append(thrift)
            found.append((step_seconds(job, spread, hardware, factors).total, spread))
    return sorted(found, key=lambda pair: pair[0]), tried


def _apart_from_thrift(spread: Parallelism) -> tuple[object, ...]:
    return tuple(value for name, value in vars(spread).items() if name not in ("zero", "recompute"))


def spreads(job: Job, devices: int, fixed: Mapping[str, Any], offload: str = "none") -> Iterator[Parallelism]:
    """Every spread of a job over exactly this many devices that divides and agrees with what is fixed."""
    for degrees in _degrees(job, devices, fixed):
        free = {**_options(job, degrees), **{name: (value,) for name, value in fixed.items() if name not in degrees}}
        for values in product(*free.values()):
            for away in OFFLOADS[offload]:
                yield from _valid(job, {**degrees, **dict(zip(free, values, strict=True)), **away})


def _degrees(job: Job, devices: int, fixed: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    shape = job.shape
    for tensor in _choices("tensor", fixed, _divisors(devices, shape.heads)):
        for pipeline in _choices("pipeline", fixed, _divisors(devices, shape.layers)):
            for context in _choices("context", fixed, [1]):
                data, left = divmod(devices, tensor * pipeline * context)
                if left or not data or data > job.batch or fixed.get("data", data) != data:
                    continue
                for expert in _choices(
                    "expert", fixed, _divisors(data, max(1, shape.experts), divides=max(1, shape.experts))
                ):
                    yield {"tensor": tensor, "pipeline": pipeline, "context": context, "data": data, "expert": expert}


def _options(job: Job, degrees: Mapping[str, int]) -> dict[str, tuple[Any, ...]]:
    """What each further field may be in a spread of these degrees; sequence parallelism costs nothing and saves."""
    per_group = job.batch // degrees["data"]
    pieces = [n for n in INTERLEAVES if n == 1 or 1 < degrees["pipeline"] <= job.shape.layers // n]
    return {
        "micro_batch": tuple(_divisors(per_group, MOST_MICRO_BATCH, divides=per_group)),
        "interleave": tuple(pieces),
        # stage 1 sends what stage 0 sends and keeps less
        "zero": (1, 2, 3) if degrees["data"] * degrees["context"] > 1 else (0,),
        "recompute": ("none", "full") if job.flash else ("none", "selective", "full"),
        "sequence": (degrees["tensor"] > 1,),
    }


def _valid(job: Job, values: Mapping[str, Any]) -> Iterator[Parallelism]:
    try:
        spread = Parallelism(**values)
        check_fits(job, spread)
    except Refused:
        return
    yield spread


def _choices(name: str, fixed: Mapping[str, Any], free: list[int]) -> list[int]:
    return [fixed[name]] if name in fixed else free


def _divisors(number: int, most: int, *, divides: int | None = None) -> list[int]:
    """Divisors of a number up to `most`; with `divides` those that divide it as well."""
    found = [d for d in range(1, min(number, most) + 1) if number % d == 0]
    return found if divides is None else [d for d in found if divides % d == 0]


def _nothing_divides(job: Job, devices: int, fixed: Mapping[str, Any]) -> Refused:
    given = f" with {', '.join(f'{name}={value}' for name, value in fixed.items())}" if fixed else ""
    message = (
        f"a batch of {job.batch} sequences and {job.shape.layers} layers do not spread over {devices} devices{given}"
    )
    near = [n for gap in range(1, devices + 1) for n in (devices - gap, devices + gap) if n > 0]
    works = next((n for n in near[:256] if next(spreads(job, n, fixed), None)), None)
    mend = f"the nearest number that does is devices={works}" if works else "give a batch that the devices divide"
    return Refused("does-not-divide", message, "the search", mend)


def _nothing_fits(job: Job, hardware: Hardware, devices: int, fixed: Mapping[str, Any], offload: str) -> Refused:
    every = spreads(job, devices, fixed, offload)
    least = min(every, key=lambda spread: training_memory(job, spread).total, default=None)
    if least is None:
        return _nothing_divides(job, devices, fixed)
    needs = training_memory(job, least)
    message = (
        f"no spread over {devices} x {hardware.name} fits: the least needs {needs.total / 1e9:.4g} GB on each device "
        f"of {hardware.memory / 1e9:.4g} GB ({least.as_text()})"
    )
    return Refused("does-not-fit", message, "the search", "; ".join(_mends(job, hardware, devices, fixed, offload)))


def _mends(job: Job, hardware: Hardware, devices: int, fixed: Mapping[str, Any], offload: str) -> Iterator[str]:
    """What would fit: more devices, or states on the host with the memory that takes."""
    more = next((n for n in _doubled(devices) if _fits_somehow(job, hardware, n, fixed, offload)), None)
    if more:
        yield f"{more} devices fit"
    if offload == "none":
        away = [s for s in spreads(job, devices, fixed, "host") if training_memory(job, s).total <= hardware.memory]
        if away:
            host = min(training_memory(job, spread).host for spread in away)
            yield f"states on the host fit with host_memory={host:.3g} for each device (offload=host)"
    if not more:
        yield "no number of devices fits at this batch and context: give a smaller context, or free what is fixed"


def _doubled(devices: int) -> Iterator[int]:
    while (devices := devices * 2) <= MOST_DEVICES:
        yield devices


def _fits_somehow(job: Job, hardware: Hardware, devices: int, fixed: Mapping[str, Any], offload: str) -> bool:
    return any(fits(training_memory(job, spread), hardware) for spread in spreads(job, devices, fixed, offload))
