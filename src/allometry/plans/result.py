"""The plan as a value: what the table, the JSON and the report are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allometry.costs import Buildable
from allometry.forecasts import Extrapolation
from allometry.notices import Interval, Notice
from allometry.plans.chain import Step
from allometry.plans.decision import Wrong
from allometry.plans.drift import Cut
from allometry.plans.ends import ends_json
from allometry.plans.isoflop import IsoFlop
from allometry.plans.region import Region
from allometry.plans.terms import Terms


@dataclass(frozen=True)
class Plan:
    """A decision with everything that says how far to trust it.

    `at` holds every axis of the plan, FLOPs among them, with its interval; `loss` what building the
    point plan gives; `near_optimal` the regions around it, tightest first; `wrong` what it costs to be
    wrong; `at_bound` the share of draws at either end of the search for size; `steps` the chain;
    `shape` the nearest buildable decoder (`shape_why` says why there is none); `cuts` the same plan
    from shorter tables; `second_opinion` the isoFLOP method's. `complete` is false where the law has
    no interior optimum: then the values are empty and `at[...].why` says so.
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
    at_bound: tuple[float, float]
    steps: tuple[Step, ...]
    shape: Buildable | None
    shape_why: str
    extrapolation: Extrapolation | None
    cuts: tuple[Cut, ...]
    second_opinion: IsoFlop | None
    notices: tuple[Notice, ...]
    provenance: str
    complete: bool

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
            "at_bound": {"low": self.at_bound[0], "high": self.at_bound[1]},
            "steps": [step.as_json() for step in self.steps],
            "shape": None if self.shape is None else self.shape.as_json(),
            "shape_why": self.shape_why,
            "extrapolation": None if self.extrapolation is None else self.extrapolation.as_json(),
            "cuts": [cut.as_json() for cut in self.cuts],
            "second_opinion": None if self.second_opinion is None else self.second_opinion.as_json(),
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
            "provenance": self.provenance,
            "complete": self.complete,
        }

    def _wrong(self) -> dict[str, object]:
        if self.wrong is None:
            return {"expected": None, "p95": None, "why": "no draws" if self.complete else "no point plan"}
        return {"expected": self.wrong.expected, "p95": self.wrong.p95, "unit": "share of the draw's own best loss"}


def _region(region: Region) -> dict[str, object]:
    return {
        name: {"low": i.low, "high": i.high, "within": region.within, "why": i.why} for name, i in region.axes.items()
    }
