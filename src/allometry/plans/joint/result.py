"""The joint plan as a value: what the table and the JSON are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from allometry.fits import Fit
from allometry.forecasts import Extrapolation
from allometry.notices import Interval, Notice, Step
from allometry.plans.ends import ends_json
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.result import life_json
from allometry.plans.lifetime.savings import Saving
from allometry.plans.lifetime.stakes import Judged
from allometry.plans.region import Region
from allometry.plans.terms import TOKENS


@dataclass(frozen=True)
class Choice:
    """One setting of the listed axes at its own best size: what it costs, and in what share of the draws it is cheapest.

    `more` is what it costs more than the plan, as a share of the plan's total; `share` is None without draws.
    """

    setting: Mapping[str, float]
    size: float
    tokens: float
    total: float
    more: Interval
    share: float | None

    def as_json(self) -> dict[str, object]:
        return {"setting": dict(self.setting), "size": self.size, "tokens": self.tokens, "total": self.total,
                "more": ends_json(self.more), "share_of_draws": self.share}  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """The plan's total with all efficiency factors at their best and at their worst, and what is cheapest at either end."""

    total: Interval
    cheapest: tuple[Mapping[str, float], Mapping[str, float]]
    currency: str

    def as_json(self) -> dict[str, object]:
        return {
            "currency": self.currency,
            "total": ends_json(self.total),
            "cheapest": [dict(one) for one in self.cheapest],
        }


@dataclass(frozen=True)
class Joint:
    """Size, tokens and a value of every further axis that have a quality at the least total cost.

    `at` holds them with training FLOPs; intervals are over the draws' own optima under the plan's setting. `choices`
    are all settings that have the quality, cheapest first; `unreached` how many never have it; `savings` compare the plan
    with other rules; `near_optimal` are sizes of nearly the least total under the plan's setting; `judged` is the price of
    being wrong about the size (None without draws, or where tokens are given); `spread` is what the efficiency factors leave
    open where money is counted; `steps` the chain.
    """

    law: str
    metric: str
    quality: float
    inference_tokens: float
    rates: Rates
    at: Mapping[str, Interval]
    total: Interval
    training: Interval
    serving: Interval
    choices: tuple[Choice, ...]
    unreached: int
    savings: tuple[Saving, ...]
    near_optimal: tuple[Region, ...]
    spread: Spread | None
    judged: Judged | None
    interval: str
    level: float
    steps: tuple[Step, ...]
    extrapolation: Extrapolation
    notices: tuple[Notice, ...]
    provenance: str
    fit: Fit = field(repr=False, compare=False)

    @property
    def size(self) -> str:
        """The axis that is the size."""
        return next(iter(self.at))

    @property
    def ratio(self) -> float:
        """Tokens per parameter of the plan."""
        return (self.at[TOKENS].value or 0.0) / (self.at[self.size].value or 1.0)

    def as_json(self) -> dict[str, object]:
        """One strict JSON object with the keys of a plan and, under `joint`, what only this one has."""
        why = "a joint plan names no shape: ask allometry cost for one"
        return {**life_json(self, self.quality), "joint": self._joint(), "shape": None, "shape_why": why}

    def _joint(self) -> dict[str, object]:
        return {
            "inference_tokens": self.inference_tokens,
            "unit": self.rates.unit,
            "total": ends_json(self.total),
            "training": ends_json(self.training),
            "serving": ends_json(self.serving),
            "tokens_per_parameter": self.ratio,
            "savings": [saving.as_json() for saving in self.savings],
            "choices": [choice.as_json() for choice in self.choices],
            "unreached": self.unreached,
            "money": None if self.spread is None else self.spread.as_json(),
        }
