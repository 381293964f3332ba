"""From work to seconds: a roofline whose every limit has a factor, and the interval that the factors' spread gives.

The formula is one text, evaluated here and fitted to measured times by `allometry.timings`; there is no second copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np

from allometry.costs._intervals import spread_around
from allometry.costs.factors import Factor
from allometry.costs.hardware import Hardware
from allometry.costs.work import Work
from allometry.expressions import Formula, evaluate, parse
from allometry.notices import Interval

PARTS: Mapping[str, str] = MappingProxyType({
    "prompt matrices": "max(matrix_compute / compute, matrix_memory / memory)",
    "decode matrices": "max(decode_compute / decode, decode_memory / memory)",
    "scores": "score_compute / attention",
    "cache": "max(max(cache_memory / cache, cache_keys * key), cache_compute / attention)",
    "activations": "activation_memory / activations",
    "launches": "layer_passes * layer",
    "links": "link_transfer / link + collectives * collective",
})  # fmt: skip
"""Seconds by what they are spent on, as formulas in the terms of a work (at peak) and the factors."""

SECONDS = " + ".join(PARTS.values())
ROOFLINE_FACTORS = ("compute", "decode", "attention", "memory", "cache", "activations", "key", "layer", "link", "collective")  # fmt: skip
"""Factors that the formula holds; `time` multiplies all of it."""
# Which field of a work each term is, and whether it is divided by peak FLOP/s, device bandwidth, link bandwidth or nothing.
TERMS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "matrix_compute": ("matrix_flops", "flops"), "matrix_memory": ("matrix_bytes", "device"),
    "decode_compute": ("decode_flops", "flops"), "decode_memory": ("decode_bytes", "device"),
    "score_compute": ("score_flops", "flops"), "cache_compute": ("cache_flops", "flops"),
    "cache_memory": ("cache_bytes", "device"), "cache_keys": ("cache_keys", ""),
    "activation_memory": ("activation_bytes", "device"), "layer_passes": ("layer_passes", ""),
    "link_transfer": ("link_bytes", "link"), "collectives": ("collectives", ""),
})  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Seconds with the interval of the factors' spread, by part, and the factors that they were made with.

    `parts` are the middle values of seconds by what they are spent on, without those that are zero.
    """

    seconds: Interval
    parts: Mapping[str, float]
    factors: Mapping[str, Factor]


def terms(work: Work, hardware: Hardware, precision: str = "bf16") -> dict[str, float]:
    """The terms of the formula: seconds at the device's peaks, and counts.

    Errors: `Refused` for a peak or a bandwidth that is needed and not known.
    """
    found = {}
    for term, (name, by) in TERMS.items():
        amount = getattr(work, name)
        if not amount:
            found[term] = 0.0
        elif by == "flops":
            found[term] = amount / hardware.peak_flops(precision)
        else:
            found[term] = amount / hardware.tier_bandwidth(by) if by else amount
    return found


def time_of(works: Sequence[Work], hardware: Hardware, precision: str = "bf16") -> Timing:
    """Seconds of works done one after another on one device, with the interval of the factors' spread.

    Use it for any work; the factors are the device's own where its file was calibrated, else the defaults. Each factor
    is taken to the ends of its spread alone, and the logarithms of what that does to the time are added as squares, as
    for training and serving: exact for errors that are independent, small and multiply the time.

    >>> from allometry.costs.hardware import find_hardware
    >>> found = time_of([Work(matrix_flops=1e15)], find_hardware("h200"))
    >>> found.seconds.low < found.seconds.value < found.seconds.high, list(found.parts)
    (True, ['prompt matrices'])
    """
    points = [terms(work, hardware, precision) for work in works]
    names = _needed(points)
    factors = {name: hardware.factor(name) for name in (*names, "time")}
    columns = _ends(factors)
    shares = {part: np.sum([_values(part, point, columns) for point in points], axis=0) for part in PARTS}
    totals = columns["time"] * np.sum(list(shares.values()), axis=0)
    value = float(totals[0])
    parts = {part: float(factors["time"].value * amounts[0]) for part, amounts in shares.items() if amounts[0] > 0}
    return Timing(spread_around(value, totals[1:].reshape(-1, 2).tolist()), parts, factors)


def _needed(points: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """Factors of the parts that hold any term above zero, as the formula names them."""
    found: dict[str, None] = {}
    for part in PARTS:
        names = _part(part).names
        if any(point[name] for point in points for name in names if name in TERMS):
            found.update(dict.fromkeys(name for name in names if name in ROOFLINE_FACTORS))
    return tuple(found)


def _ends(factors: Mapping[str, Factor]) -> dict[str, np.ndarray]:
    """Each factor as an array (2k + 1,): all values, then every factor at its low end and its high end alone."""
    columns = {}
    for i, (name, factor) in enumerate(factors.items()):
        column = np.full(2 * len(factors) + 1, factor.value)
        column[[2 * i + 1, 2 * i + 2]] = factor.ends
        columns[name] = column
    return columns


@cache
def _part(part: str) -> Formula:
    return parse(PARTS[part])


def _values(part: str, point: Mapping[str, float], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Seconds (2k + 1,) of one part; factors that no term needs are one."""
    held = {name: columns.get(name, 1.0) for name in ROOFLINE_FACTORS}
    return np.broadcast_to(evaluate(_part(part).root, {**point, **held}), columns["time"].shape)
