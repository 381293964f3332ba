"""What a joint plan is asked: the quality, the volume, and which axes are chosen among which values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from allometry.costs import COSTS_OF_AXES, SPARSE_AXES, Choices, choices_of, size_axis
from allometry.fits import Fit
from allometry.notices import Refused
from allometry.plans.lifetime.money import Deployment
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.tokens import Isoloss
from allometry.plans.terms import FALLING_WORDS, RISING_METRICS, TOKENS, Space

Array = NDArray[np.float64]

MOST_SETTINGS = 2000  # each is a search of its own
CORE = "core_params"
_DENSE = ("activation",)  # axes whose plain value is the largest listed: all experts active


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A fit, the `quality` to reach, the tokens of the life at one plain answer a request, and what may be chosen.

    `tokens` is the training text where it is given, None where it is open; `settings` are all combinations of the further
    axes' values, `listed` the axes with several.
    """

    fit: Fit
    quality: float
    inference_tokens: float
    size: str
    limits: Mapping[str, tuple[float, float]]
    tokens: float | None
    settings: tuple[Mapping[str, float], ...]
    listed: tuple[str, ...]
    prompt: int
    generated: int
    money: Deployment | None
    deployed: dict[Choices, Deployment] = field(default_factory=dict, compare=False, repr=False)

    @property
    def rising(self) -> bool:
        return self.fit.law.metric in RISING_METRICS

    @property
    def plain(self) -> Mapping[str, float]:
        """The setting without any of the listed choices: the least value of each, all experts active."""
        return {name: (max if name in _DENSE else min)(one[name] for one in self.settings) for name in self.settings[0]}

    def choices(self, setting: Mapping[str, float]) -> Choices:
        """What costs see of a setting: axes of one value may have no known cost, and then cost nothing here."""
        return choices_of({name: value for name, value in setting.items() if name in COSTS_OF_AXES})

    def rates(self, setting: Mapping[str, float], end: str = "value") -> Rates:
        """What a life costs by size under a setting, in FLOPs or money; `end` is one of the efficiency factors' spread."""
        chosen = self.choices(setting)
        if self.money is not None:
            return self._deployed(self.money, chosen).rates(self.inference_tokens, end, end)
        requests = self.inference_tokens / (self.prompt + self.generated)
        return Rates.flops(requests * chosen.tokens(self.prompt, self.generated), chosen)

    def _deployed(self, money: Deployment, chosen: Choices) -> Deployment:
        """The deployment under these choices, made once: its rooflines of built models are dear."""
        if chosen not in self.deployed:
            self.deployed[chosen] = replace(money, choices=chosen)
        return self.deployed[chosen]

    def curve(self, setting: Mapping[str, float]) -> Isoloss:
        """Allocations of the quality under a setting, of the estimate and the draws."""
        theta = np.concatenate([self.fit.estimate[None], self.fit.draws])
        given = self.size if self.tokens is None else TOKENS
        space = Space(given, self.limits, None, (setting,))
        unknown = TOKENS if self.tokens is None else self.size
        return Isoloss(self.fit.law, space, theta, np.full(len(theta), self.quality), self.rising, unknown)


def asked(
    fit: Fit, *, quality: float, inference_tokens: float, among: Mapping[str, Sequence[float]], fixed: Mapping[str, float],
    at_most: Mapping[str, float], at_least: Mapping[str, float], prompt: int, generated: int, money: Deployment | None,
) -> Ask:  # fmt: skip
    """The ask, once it is clear that it can be answered.

    Errors: `Refused` for axes without a value, values that cannot be, and several values of an axis without a cost.
    """
    law = fit.law
    size = size_axis(law.axes) or (CORE if CORE in law.axes else None)
    if size is None:
        raise Refused("no-allocation", f"{law.name} is a law of {', '.join(law.axes)}: it has no size to plan", "the law",
                      "plan with a law that has one, such as params")  # fmt: skip
    if fit.confounded:
        raise Refused("not-determined", f"{', '.join(fit.confounded)} not determined by these runs", "the fit",
                      "add runs that tell them, or fix them or give them priors")  # fmt: skip
    if law.metric not in RISING_METRICS and not any(word in law.metric.lower() for word in FALLING_WORDS):
        raise Refused("metric-unknown", f"nothing says whether less {law.metric!r} is better", "the law",
                      f"map the column to a loss (--map loss={law.metric}) if it is one")  # fmt: skip
    _check_numbers(quality, inference_tokens, prompt, generated)
    further = tuple(name for name in law.axes if name not in (size, TOKENS))
    values = {
        **{name: tuple(map(float, some)) for name, some in among.items()},
        **{n: (float(v),) for n, v in fixed.items()},
    }
    tokens = _tokens(law.name, law.axes, values)
    _check_values(values, further, among, fixed, size)
    listed = tuple(name for name in further if len(values[name]) > 1)
    _check_costs(size, further, listed, money)
    settings = tuple(dict(zip(further, one, strict=True)) for one in itertools.product(*(values[n] for n in further)))
    if len(settings) > MOST_SETTINGS:
        raise Refused(
            "too-many", f"{len(settings)} combinations are more than {MOST_SETTINGS}", "--among", "list fewer values"
        )
    limits = {name: (at_least.get(name, 0.0), at_most.get(name, math.inf)) for name in (size, TOKENS)}
    _check_limits(limits, at_most, at_least)
    if tokens is not None and not limits[TOKENS][0] <= tokens <= limits[TOKENS][1]:
        raise Refused("empty-limits", f"tokens are given as {tokens:g}, and bounded otherwise", "--fix, --at-most, --at-least",
                      "give one of the two")  # fmt: skip
    ask = Ask(fit=fit, quality=quality, inference_tokens=inference_tokens, size=size, limits=limits, tokens=tokens,
              settings=settings, listed=listed, prompt=prompt, generated=generated, money=money)  # fmt: skip
    for setting in settings:
        ask.choices(setting)
    return ask


def _tokens(name: str, axes: tuple[str, ...], values: dict[str, tuple[float, ...]]) -> float | None:
    """The training tokens where they are given; they must be where the law has none."""
    given = values.pop(TOKENS, None)
    if given is None and TOKENS not in axes:
        raise Refused("axis-open", f"{name} holds for one number of training tokens, which its runs had and it does not say",
                      "--fix", "give tokens=VALUE")  # fmt: skip
    if given is not None and len(given) > 1:
        raise Refused(
            "bad-option", "tokens are open or given, not listed", "--among", "bound them by --at-most and --at-least"
        )
    if given is not None and not (math.isfinite(given[0]) and given[0] > 0):
        raise Refused("bad-value", f"tokens cannot be {given[0]:g}", "--fix", "give a positive number")
    return None if given is None else given[0]


def _check_numbers(quality: float, inference_tokens: float, prompt: int, generated: int) -> None:
    if not math.isfinite(quality):
        raise Refused("plan-ask", f"{quality:g} is no quality to reach", "--loss, --accuracy", "give a number")
    if not (math.isfinite(inference_tokens) and inference_tokens >= 0):
        raise Refused("bad-value", f"{inference_tokens:g} is no number of tokens to be served", "--inference-tokens",
                      "give prompts and answers of the whole life together, such as 2T")  # fmt: skip
    if prompt < 0 or generated < 1:
        raise Refused("bad-value", f"a request of {prompt} and {generated} tokens is none", "--prompt, --generated",
                      "give 0 or more, and 1 or more")  # fmt: skip


def _check_values(
    values: Mapping[str, tuple[float, ...]], further: tuple[str, ...], among: Mapping[str, Sequence[float]],
    fixed: Mapping[str, float], size: str,
) -> None:  # fmt: skip
    if size in values:
        raise Refused("bad-option", "a plan over a life chooses among all sizes", "--among, --fix",
                      "bound the size by --at-most and --at-least")  # fmt: skip
    for name in values:
        if name not in further:
            raise Refused("unknown-axis", f"{name} is not an axis that can be set here", "--among, --fix",
                          f"use {', '.join(further) or 'none: the law has no further axis'}")  # fmt: skip
    for name in further:
        if name not in values:
            raise Refused("axis-open", f"the law also depends on {name}", "--among, --fix",
                          f"give --among {name}=VALUE,VALUE to choose, or --fix {name}=VALUE")  # fmt: skip
        if not values[name] or not all(math.isfinite(v) and v > 0 for v in values[name]):
            raise Refused("bad-value", f"{name} cannot be {', '.join(f'{v:g}' for v in values[name]) or 'nothing'}",
                          mend="give positive numbers")  # fmt: skip
    twice = [name for name in among if name in fixed]
    if twice:
        raise Refused("set-twice", f"{twice[0]} is both fixed and listed", "--fix, --among", "give one of the two")


def _check_costs(size: str, further: tuple[str, ...], listed: tuple[str, ...], money: Deployment | None) -> None:
    for name in listed:
        if name not in COSTS_OF_AXES:
            raise Refused("cost-unknown", f"what {name} costs is not known, so no value of it is the cheapest", "--among",
                          f"give one value by --fix {name}=VALUE; costs are known of {', '.join(COSTS_OF_AXES)}")  # fmt: skip
    sparse = [name for name in further if name in SPARSE_AXES]
    if sparse and size != "active_params":
        raise Refused("cost-unknown", f"with {sparse[0]} the size must be active parameters, for they are what FLOPs follow",
                      "the law", f"plan with a law of active_params, not {size}")  # fmt: skip
    if sparse and money is not None:
        raise Refused("cost-unknown", "the models that money is counted for are dense, and a mixture's memory is not theirs",
                      "--hardware", "leave --hardware out for a plan in FLOPs, then ask allometry cost for one mixture")  # fmt: skip


def _check_limits(limits: Mapping[str, tuple[float, float]], *given: Mapping[str, float]) -> None:
    for name in [name for one in given for name in one]:
        if name not in limits:
            raise Refused("unknown-axis", f"{name} is not an axis that can be bounded here", "--at-most, --at-least",
                          f"use {', '.join(limits)}")  # fmt: skip
    for name, (low, high) in limits.items():
        if not (math.isfinite(low) and low >= 0 and high > 0 and low <= high):
            raise Refused("empty-limits", f"{name} cannot be at least {low:g} and at most {high:g}", "--at-least, --at-most",
                          "widen one")  # fmt: skip
