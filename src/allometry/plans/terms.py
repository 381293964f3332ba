"""What a plan is asked: the budget or the loss, and what may not be chosen freely."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from allometry.costs import size_axis
from allometry.laws import Law
from allometry.notices import Refused

Array = NDArray[np.float64]
TOKENS = "tokens"
FALLING_WORDS = ("loss", "error", "perplexity", "ppl", "bits", "nats", "entropy", "nll")
RISING_METRICS = ("accuracy", "coverage", "reward")


@dataclass(frozen=True)
class Terms:
    """The budget `flops` or the `loss` to reach, one of the two, and the user's limits by axis.

    `fixed` gives an axis one value, `at_most` and `at_least` limit the size or the tokens, `among`
    lists the values that an axis may take.
    """

    flops: float | None = None
    loss: float | None = None
    fixed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    at_most: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    at_least: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    among: Mapping[str, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def listed(self) -> dict[str, tuple[float, ...]]:
        """The values that fixed and listed axes may take."""
        chosen = {name: (float(value),) for name, value in self.fixed.items()}
        return {**{name: tuple(map(float, values)) for name, values in self.among.items()}, **chosen}


@dataclass(frozen=True)
class Space:
    """The allocations that the terms leave open, for one law.

    `size` is the law's size axis; `limits` hold what the user asked, (0, inf) where nothing;
    `options` are the values of size or tokens when one of them is fixed or listed; `settings` all
    combinations of the law's further axes.
    """

    size: str
    limits: Mapping[str, tuple[float, float]]
    options: tuple[str, Array] | None
    settings: tuple[Mapping[str, float], ...]

    @property
    def free(self) -> bool:
        """Whether the split between size and tokens is still open."""
        return self.options is None or len(self.options[1]) > 1


def space_of(law: Law, terms: Terms) -> Space:
    """The open allocations of a law under these terms.

    Errors: `Refused` for a law without size or tokens, further axes that have no value, unknown
    axes, limits that contradict each other, and size and tokens both given.
    """
    size = _size(law)
    _check_ask(terms)
    _check_axes(law, size, terms)
    listed = terms.listed
    further = [name for name in law.axes if name not in (size, TOKENS)]
    missing = [name for name in further if name not in listed]
    if missing:
        raise Refused("axis-open", f"{law.name} also depends on {', '.join(missing)}, which a plan cannot choose",
                      "--fix", f"give {' and '.join(f'{name}=VALUE' for name in missing)}")  # fmt: skip
    settings = tuple(
        dict(zip(further, values, strict=True)) for values in itertools.product(*(listed[n] for n in further))
    )
    return Space(size, _limits(size, terms), _options(size, listed), settings)


def _size(law: Law) -> str:
    if law.metric in RISING_METRICS:
        raise Refused("metric-rises", f"{law.name} predicts {law.metric}, of which more is better; plans seek the least",
                      "the law", "plan with a law of loss or error")  # fmt: skip
    if not any(word in law.metric.lower() for word in FALLING_WORDS):
        raise Refused("metric-unknown", f"nothing says whether less {law.metric!r} is better, and plans seek the least",
                      "the law", f"map the column to a loss (--map loss={law.metric}) if it is one")  # fmt: skip
    size = size_axis(law.axes)
    if size is None or TOKENS not in law.axes:
        has = ", ".join(law.axes)
        raise Refused("no-allocation", f"{law.name} is a law of {has}: it cannot split FLOPs between size and tokens",
                      "the law", "plan with a law of params and tokens, such as chinchilla")  # fmt: skip
    return size


def _check_ask(terms: Terms) -> None:
    if (terms.flops is None) == (terms.loss is None):
        raise Refused(
            "plan-ask", "a plan needs a FLOPs budget or a loss to reach, one of the two", "--flops, --loss", "give one"
        )
    if terms.flops is not None and not (math.isfinite(terms.flops) and terms.flops > 0):
        raise Refused("plan-ask", f"{terms.flops:g} is not a FLOPs budget", "--flops", "give a positive number")
    if terms.loss is not None and not math.isfinite(terms.loss):
        raise Refused("plan-ask", f"{terms.loss:g} is not a loss", "--loss", "give a number")


def _check_axes(law: Law, size: str, terms: Terms) -> None:
    for option, given in (
        ("--fix", terms.fixed),
        ("--among", terms.among),
        ("--at-most", terms.at_most),
        ("--at-least", terms.at_least),
    ):
        known = law.axes if option in ("--fix", "--among") else (size, TOKENS)
        for name in given:
            if name not in known:
                raise Refused(
                    "unknown-axis", f"{name} is not an axis that can be set here", option, f"use {', '.join(known)}"
                )
    for name, values in [
        *terms.listed.items(),
        *((n, (v,)) for g in (terms.at_most, terms.at_least) for n, v in g.items()),
    ]:
        if not values or not all(math.isfinite(v) and (v > 0 or not law.axis(name).positive) for v in values):
            raise Refused(
                "bad-value",
                f"{name} cannot be {', '.join(f'{v:g}' for v in values) or 'nothing'}",
                mend="give positive numbers",
            )
    twice = [name for name in terms.fixed if name in terms.among]
    if twice:
        raise Refused("set-twice", f"{twice[0]} is both fixed and listed", "--fix, --among", "give one of the two")


def _limits(size: str, terms: Terms) -> dict[str, tuple[float, float]]:
    limits = {name: (terms.at_least.get(name, 0.0), terms.at_most.get(name, math.inf)) for name in (size, TOKENS)}
    for name, (low, high) in limits.items():
        if low > high:
            raise Refused(
                "empty-limits",
                f"{name} cannot be at least {low:g} and at most {high:g}",
                "--at-least, --at-most",
                "widen one",
            )
    return limits


def _options(size: str, listed: Mapping[str, Sequence[float]]) -> tuple[str, Array] | None:
    chosen = [name for name in (size, TOKENS) if name in listed]
    if len(chosen) == 2:
        raise Refused("nothing-open", f"{size} and tokens are both given, so nothing is left to plan", "--fix, --among",
                      "leave one open, or ask for a forecast there")  # fmt: skip
    return (chosen[0], np.unique(np.asarray(listed[chosen[0]], float))) if chosen else None
