"""The plan over a model's life as a value: what the table, the JSON and the report are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from allometry.costs import Buildable
from allometry.fits import Fit
from allometry.forecasts import Extrapolation
from allometry.notices import Interval, Notice, Step
from allometry.plans.ends import ends_json
from allometry.plans.lifetime.ladder import Rung
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.savings import Saving
from allometry.plans.lifetime.spread import Spread
from allometry.plans.lifetime.stakes import Judged
from allometry.plans.region import Region
from allometry.plans.terms import TOKENS

HELD = "the loss is held: see compute, the share of the total cost wasted"


@dataclass(frozen=True)
class Lifetime:
    """The size and tokens of least total cost that have a loss, with everything that says how far to trust it.

    `at` holds size, tokens, further axes and training FLOPs; `total`, `training` and `serving` the costs in `rates.unit`;
    `overhead` what training costs more than at the size of least training, as a share of that; all with intervals over
    the draws' own optima. `savings` compare the plan with other rules; `near_optimal` are sizes of nearly the least
    total; `recommended_savings` are those of the size of least expected price; `spread` is what the efficiency factors leave
    open where money is counted; `ladder` what other ratios of tokens to parameters cost; `judged` is the price of being wrong (None without draws); `steps` the chain.
    """

    law: str
    metric: str
    loss: float
    inference_tokens: float
    rates: Rates
    at: Mapping[str, Interval]
    total: Interval
    training: Interval
    serving: Interval
    overhead: Interval
    savings: tuple[Saving, ...]
    recommended_savings: tuple[Saving, ...]
    spread: Spread | None
    ladder: tuple[Rung, ...]
    near_optimal: tuple[Region, ...]
    judged: Judged | None
    interval: str
    level: float
    steps: tuple[Step, ...]
    shape: Buildable | None
    shape_why: str
    extrapolation: Extrapolation | None
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
        """One strict JSON object with the keys of a plan and, under `lifetime`, what only this one has."""
        return {**life_json(self, self.loss), "lifetime": self._lifetime(),
                "shape": None if self.shape is None else self.shape.as_json(), "shape_why": self.shape_why}  # fmt: skip

    def _lifetime(self) -> dict[str, object]:
        return {
            "inference_tokens": self.inference_tokens,
            "unit": self.rates.unit,
            "money": None if self.spread is None else self.spread.as_json(),
            "total": ends_json(self.total),
            "training": ends_json(self.training),
            "serving": ends_json(self.serving),
            "tokens_per_parameter": self.ratio,
            "overhead": ends_json(self.overhead),
            "savings": [saving.as_json() for saving in self.savings],
            "ladder": [rung.as_json() for rung in self.ladder],
            "recommended_savings": [saving.as_json() for saving in self.recommended_savings],
        }


class Planned(Protocol):
    """What plans over a life have in common."""

    @property
    def law(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def at(self) -> Mapping[str, Interval]: ...
    @property
    def interval(self) -> str: ...
    @property
    def level(self) -> float: ...
    @property
    def near_optimal(self) -> tuple[Region, ...]: ...
    @property
    def judged(self) -> Judged | None: ...
    @property
    def steps(self) -> tuple[Step, ...]: ...
    @property
    def extrapolation(self) -> Extrapolation | None: ...
    @property
    def notices(self) -> tuple[Notice, ...]: ...
    @property
    def provenance(self) -> str: ...


def life_json(found: Planned, held: float) -> dict[str, object]:
    """The keys that a plan over a life shares with a plan of training; the metric `held` stands under `loss`."""
    nothing = {"value": None, "low": None, "high": None}
    return {
        "law": found.law,
        "metric": found.metric,
        "plan": {name: ends_json(one) for name, one in found.at.items()},
        "loss": {"value": held, "low": None, "high": None, "why": "as asked"},
        "interval": found.interval,
        "level": found.level,
        "near_optimal": _region(found.near_optimal[0]) if found.near_optimal else {},
        "regions": [{"within": region.within, "axes": _region(region)} for region in found.near_optimal],
        **_judged(next(iter(found.at)), found.judged),
        "limits": [],
        "steps": [step.as_json() for step in found.steps],
        "extrapolation": None if found.extrapolation is None else found.extrapolation.as_json(),
        "calibrated": {"loss": {**nothing, "why": "plans over a life are not tested on shorter tables"}},
        "decide_by": found.interval,
        "warnings": [{"code": notice.code, "message": notice.message} for notice in found.notices],
        "provenance": found.provenance,
        "complete": True,
    }


def _judged(size: str, judged: Judged | None) -> dict[str, object]:
    """The price of being wrong and the recommended size, empty without draws."""
    if judged is not None:
        return {"wrong": judged.wrong_json(HELD), "recommended": judged.recommended_json(HELD)}
    nothing = {"expected": None, "p95": None}
    empty = dict.fromkeys((size, TOKENS, "expected", "p95", "differs"))
    return {
        "wrong": {**nothing, "compute": nothing, "across": [], "why": "no draws"},
        "recommended": {**empty, "compute": nothing, "why": "no draws"},
    }


def _region(region: Region) -> dict[str, object]:
    """The sizes and tokens of a near-optimal region, in the words of the command line's JSON."""
    return {
        name: {"low": i.low, "high": i.high, "within": region.within, "why": i.why} for name, i in region.axes.items()
    }
