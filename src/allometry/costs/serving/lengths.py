"""Distributions of lengths in tokens, named by a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from allometry.axes import nearest_names
from allometry.costs.serving.traces import Counts
from allometry.expressions import parse_number
from allometry.notices import Refused

Draw = Callable[..., np.ndarray]


def _lognormal(generator: np.random.Generator, size: int, mean: float, deviation: float) -> np.ndarray:
    spread = math.log1p((deviation / mean) ** 2)
    return generator.lognormal(math.log(mean) - spread / 2, math.sqrt(spread), size)


_KINDS: Mapping[str, tuple[int, Draw]] = MappingProxyType({
    "fixed": (1, lambda generator, size, value: np.full(size, value)),
    "uniform": (2, lambda generator, size, low, high: generator.uniform(low, high, size)),
    "normal": (2, lambda generator, size, mean, deviation: generator.normal(mean, deviation, size)),
    "lognormal": (2, _lognormal),
    "geometric": (1, lambda generator, size, mean: generator.geometric(1 / mean, size)),
})  # fmt: skip


@dataclass(frozen=True)
class Lengths:
    """A distribution of lengths: "fixed" or "geometric" of a mean, "uniform" from low to high, "normal" or "lognormal"
    of a mean and a standard deviation. What is drawn is rounded, and at least 1.

    >>> read_lengths("lognormal:512,256")
    Lengths(kind='lognormal', values=(512.0, 256.0))
    >>> read_lengths("512").draw(3, np.random.default_rng(0)).tolist()
    [512, 512, 512]
    """

    kind: str
    values: tuple[float, ...]

    def draw(self, size: int, generator: np.random.Generator) -> Counts:
        drawn = _KINDS[self.kind][1](generator, size, *self.values)
        return np.maximum(1, np.rint(drawn)).astype(np.int64)


def read_lengths(text: str, where: str = "the lengths") -> Lengths:
    """The distribution that a text names: "512", or a kind and its numbers, such as "lognormal:512,256".

    Errors: `Refused` for an unknown kind with the nearest, and for numbers that are too few, too many or not positive.
    """
    kind, colon, rest = text.strip().partition(":")
    if not colon:
        kind, rest = "fixed", kind
    if kind not in _KINDS:
        near = ", ".join(nearest_names(kind, _KINDS))
        raise Refused("unknown-lengths", f"no distribution of lengths is called {kind!r}", where, f"use {near}")
    values = tuple(parse_number(value, where) for value in rest.split(","))
    wanted = _KINDS[kind][0]
    if len(values) != wanted:
        raise Refused("bad-lengths", f"{kind} takes {wanted} number{'s' * (wanted > 1)}, not {len(values)}", where,
                      "such as 512, uniform:100,900, normal:512,128, lognormal:512,256 or geometric:512")  # fmt: skip
    if not all(math.isfinite(value) and value > 0 for value in values) or values[0] < 1:
        raise Refused("bad-lengths", f"{text} is not a length in tokens", where, "give at least 1 token")
    if kind == "uniform" and values[1] < values[0]:
        raise Refused(
            "bad-lengths", f"{text} ends before it begins", where, f"write uniform:{values[1]:g},{values[0]:g}"
        )
    return Lengths(kind, values)
