"""The plan as a value: what the table, the JSON and the report are made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from allometry.costs import Buildable
from allometry.fits import Fit
from allometry.forecasts import Extrapolation
from allometry.notices import Interval, Notice, Step
from allometry.plans.calibration import Calibration
from allometry.plans.drift import Cut
from allometry.plans.ends import ends_json
from allometry.plans.isoflop import IsoFlop
from allometry.plans.limits_cost import LimitCost
from allometry.plans.recommended import Recommended
from allometry.plans.region import Region
from allometry.plans.stakes import Priced
from allometry.plans.terms import Terms
from allometry.plans.wrong import Wrong
from allometry.showing import Tabled


@dataclass(frozen=True)
class Plan(Tabled):
    """A decision with everything that says how far to trust it.

    `at` holds every axis of the plan, FLOPs among them, with its interval; `loss` what building the
    point plan gives; `near_optimal` the regions around it, tightest first; `wrong` what it costs to be
    wrong; `recommended` the allocation of least expected excess over the draws (both None without draws
    or a point plan); `limits` what each of the user's limits costs; `at_bound` the share of draws at either end of the search for size; `steps` the chain;
    `shape` the nearest buildable decoder (`shape_why` says why there is none); `cuts` the same plan
    from shorter tables; `calibration` the intervals with the drift of earlier plans in them (None where nothing was
    to be calibrated), `loss_calibrated` that of the loss with the law's own error beyond the runs; `second_opinion` the isoFLOP method's. `complete` is false where the law has
    no interior optimum: then the values are empty and `at[...].why` says so. `fit` is what it was planned from.
    """

    terms: Terms
    law: str
    metric: str
    at: Mapping[str, Interval]
    loss: Interval
    interval: str
    level: float
    near_optimal: tuple[Region, ...]
    wrong: Wrong | None
    recommended: Recommended | None
    limits: tuple[LimitCost, ...]
    at_bound: tuple[float, float]
    steps: tuple[Step, ...]
    shape: Buildable | None
    shape_why: str
    extrapolation: Extrapolation | None
    cuts: tuple[Cut, ...]
    calibration: Calibration | None
    loss_calibrated: Interval
    second_opinion: IsoFlop | None
    notices: tuple[Notice, ...]
    provenance: str
    complete: bool
    fit: Fit = field(repr=False, compare=False)

    @property
    def prices(self) -> tuple[tuple[str, Priced], ...]:
        """The price of the plan, of the recommended point where that differs, and across the interval; by size."""
        if self.wrong is None:
            return ()
        named = [("the plan", self.wrong.plain)]
        if self.recommended is not None and self.recommended.differs:
            named.append(("recommended", self.recommended.priced))
        size = next(iter(self.at))
        rest = [("", p) for p in self.wrong.across if not any(math.isclose(p.at[size], n.at[size]) for _, n in named)]
        return tuple(sorted([*named, *rest], key=lambda entry: entry[1].at[size]))

    def as_columns(self) -> dict[str, list[object]]:
        """A row for each axis of the plan and one for the metric, with both intervals."""
        wide = {} if self.calibration is None else self.calibration.at
        found = {**self.at, self.metric: self.loss}
        calibrated = [self.loss_calibrated if name == self.metric else wide.get(name, Interval(None)) for name in found]
        return {
            "name": list(found), "value": [i.value for i in found.values()],
            "low": [i.low for i in found.values()], "high": [i.high for i in found.values()],
            "calibrated_low": [i.low for i in calibrated], "calibrated_high": [i.high for i in calibrated],
            "why": [i.why for i in found.values()],
        }  # fmt: skip

    def as_json(self) -> dict[str, object]:
        """One strict JSON object: no infinities, null where there is nothing, with `why`."""
        return {
            "law": self.law,
            "metric": self.metric,
            "plan": {name: ends_json(found) for name, found in self.at.items()},
            "loss": ends_json(self.loss),
            "interval": self.interval,
            "level": self.level,
            "near_optimal": _region(self.near_optimal[0]) if self.near_optimal else {},
            "regions": [{"within": region.within, "axes": _region(region)} for region in self.near_optimal],
            "wrong": self._wrong(),
            "recommended": self._recommended(),
            "limits": [cost.as_json() for cost in self.limits],
            "at_bound": {"low": self.at_bound[0], "high": self.at_bound[1]},
            "steps": [step.as_json() for step in self.steps],
            "shape": None if self.shape is None else self.shape.as_json(),
            "shape_why": self.shape_why,
            "extrapolation": None if self.extrapolation is None else self.extrapolation.as_json(),
            "cuts": [cut.as_json() for cut in self.cuts],
            "calibrated": {
                "loss": ends_json(self.loss_calibrated),
                **({} if self.calibration is None else self.calibration.as_json()),
            },
            "decide_by": self.interval if self.calibration is None else "calibrated",
            "second_opinion": None if self.second_opinion is None else self.second_opinion.as_json(),
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
            "provenance": self.provenance,
            "complete": self.complete,
        }

    def _wrong(self) -> dict[str, object]:
        if self.wrong is None:
            nothing = {"expected": None, "p95": None}
            return {**nothing, "compute": nothing, "across": [], "why": self._unpriced}
        return self.wrong.as_json()

    def _recommended(self) -> dict[str, object]:
        if self.recommended is None:
            empty = [name for name in self.at if name != "flops"]
            nothing = dict.fromkeys((*empty, "expected", "p95", "differs"))
            return {**nothing, "compute": {"expected": None, "p95": None}, "why": self._unpriced}
        return self.recommended.as_json()

    @property
    def _unpriced(self) -> str:
        """Why there is no price of being wrong."""
        return "no draws" if self.complete else "no point plan"


def _region(region: Region) -> dict[str, object]:
    return {
        name: {"low": i.low, "high": i.high, "within": region.within, "why": i.why} for name, i in region.axes.items()
    }
