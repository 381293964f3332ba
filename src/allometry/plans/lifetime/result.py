"""The plan over a model's life as a value: what the table, the JSON and the report are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
        nothing = {"value": None, "low": None, "high": None}
        return {
            "law": self.law,
            "metric": self.metric,
            "plan": {name: ends_json(found) for name, found in self.at.items()},
            "loss": {"value": self.loss, "low": None, "high": None, "why": "as asked"},
            "interval": self.interval,
            "level": self.level,
            "lifetime": self._lifetime(),
            "near_optimal": region_json(self.near_optimal[0]) if self.near_optimal else {},
            "regions": [{"within": region.within, "axes": region_json(region)} for region in self.near_optimal],
            **self._judged(),
            "limits": [],
            "steps": [step.as_json() for step in self.steps],
            "shape": None if self.shape is None else self.shape.as_json(),
            "shape_why": self.shape_why,
            "extrapolation": None if self.extrapolation is None else self.extrapolation.as_json(),
            "calibrated": {"loss": {**nothing, "why": "plans over a life are not tested on shorter tables"}},
            "decide_by": self.interval,
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
            "provenance": self.provenance,
            "complete": True,
        }

    def _judged(self) -> dict[str, object]:
        if self.judged is None:
            return nothing_wrong(self.size)
        return {"wrong": self.judged.wrong_json(HELD), "recommended": self.judged.recommended_json(HELD)}

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


def nothing_wrong(size: str) -> dict[str, object]:
    """Keys of the price of being wrong and of the recommended size where there are no draws."""
    nothing = {"expected": None, "p95": None}
    return {
        "wrong": {**nothing, "compute": nothing, "across": [], "why": "no draws"},
        "recommended": {**dict.fromkeys((size, TOKENS, "expected", "p95", "differs")), "compute": nothing, "why": "no draws"},
    }  # fmt: skip


def region_json(region: Region) -> dict[str, object]:
    """The sizes and tokens of a near-optimal region, in the words of the command line's JSON."""
    return {
        name: {"low": i.low, "high": i.high, "within": region.within, "why": i.why} for name, i in region.axes.items()
    }
