"""The numbers by which two fits of one law are compared: parameters, forecasts, and the plan of a budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.costs import rule_partner, size_axis
from allometry.fits import Fit
from allometry.forecasts import forecast, metric_at
from allometry.laws import Law
from allometry.notices import Interval, Refused
from allometry.plans import optimal_params, plan, target_compute

Array = NDArray[np.float64]
Number = Callable[[Array], Array]
"""A number of a law as a function of its parameters (B, P), giving (B,)."""


@dataclass(frozen=True)
class Moved:
    """One number in two fits, each with the interval of its own draws: fit noise only."""

    before: Interval
    after: Interval

    @property
    def logarithmic(self) -> bool:
        """Whether the move is told as a factor: both values are above zero."""
        return all(found.value is not None and found.value > 0 for found in (self.before, self.after))

    @property
    def factor(self) -> float | None:
        """after / before where both are above zero."""
        return self.after.value / self.before.value if self.logarithmic else None  # type: ignore[operator]

    @property
    def difference(self) -> float | None:
        """after - before."""
        one, other = self.before.value, self.after.value
        return None if one is None or other is None else other - one

    @property
    def inside(self) -> bool | None:
        """Whether the value now lies in the interval before; None where there was none."""
        low, high, value = self.before.low, self.before.high, self.after.value
        return None if low is None or high is None or value is None else low <= value <= high

    def as_json(self) -> dict[str, object]:
        ends = {
            name: {"value": found.value, "low": found.low, "high": found.high, "why": found.why}
            for name, found in (("before", self.before), ("after", self.after))
        }
        return {**ends, "factor": self.factor, "difference": self.difference, "inside": self.inside}


@dataclass(frozen=True)
class Compared:
    """What is compared: names to numbers in both fits, and the same as functions of the parameters."""

    moved: Mapping[str, Moved]
    numbers: Mapping[str, Number]

    def named(self, prefix: str) -> Compared:
        """The same with a prefix before every name."""
        return Compared(*({prefix + name: item for name, item in part.items()} for part in (self.moved, self.numbers)))  # type: ignore[arg-type]


def merged(*parts: Compared) -> Compared:
    """All that is compared, in order."""
    moved = {name: item for part in parts for name, item in part.moved.items()}
    return Compared(moved, {name: item for part in parts for name, item in part.numbers.items()})


def parameters_compared(before: Fit, after: Fit) -> Compared:
    """Every parameter; one that either fit cannot tell has no value there."""
    moved = {name: Moved(before.parameters[name], after.parameters[name]) for name in after.law.parameter_names}
    places = {name: i for i, name in enumerate(after.law.parameter_names) if moved[name].difference is not None}
    return Compared(moved, {name: _column(place) for name, place in places.items()})


def _column(place: int) -> Number:
    return lambda theta: theta[:, place]


def forecasts_compared(before: Fit, after: Fit, points: Sequence[Mapping[str, float]]) -> Compared:
    """The curve at points, by a name for each."""
    told = [forecast(fitted, points) for fitted in (before, after)]
    names = [point_name(after.law, point) for point in points]
    moved = {name: Moved(one.result, other.result) for name, one, other in zip(names, *told, strict=True)}
    return Compared(moved, {name: _curve(after.law, point) for name, point in zip(names, points, strict=True)})


def point_name(law: Law, point: Mapping[str, float]) -> str:
    """A forecast in words: `loss at params=7e+09 tokens=2e+12`."""
    return f"{law.metric} at " + " ".join(f"{name}={_short(point[name])}" for name in law.axes)


def _short(value: float) -> str:
    """Four digits where they say it all, so that two points never share a name."""
    return f"{value:.4g}" if float(f"{value:.4g}") == value else f"{value:.12g}"


def _curve(law: Law, point: Mapping[str, float]) -> Number:
    columns = {name: np.array([value]) for name, value in point.items()}
    return lambda theta: metric_at(law, theta, columns)[:, 0]


def plan_compared(before: Fit, after: Fit, flops: float, further: Mapping[str, float]) -> Compared:
    """Size, tokens and loss of the plan for a budget.

    Errors: `Refused` as `plan`, or where either fit has no optimum inside the search.
    """
    plans = [plan(fitted, flops=flops, fixed=further, refit=None) for fitted in (before, after)]
    law, size = after.law, size_axis(after.law.axes) or ""
    for one, which in zip(plans, ("first", "second"), strict=True):
        if not one.complete:
            raise Refused(
                "no-plan", f"the {which} fit has no plan: {one.at[size].why}", "the fit", "compare forecasts instead"
            )
    found = {name: Moved(plans[0].at[name], plans[1].at[name]) for name in (size, "tokens")}
    found[law.metric] = Moved(plans[0].loss, plans[1].loss)
    best = optimal_params(flops, further)

    def sizes(theta: Array) -> Array:
        return np.asarray(best(law, theta), float)

    def loss(theta: Array) -> Array:
        place = sizes(theta)[:, None]
        other = {name: np.array([value]) for name, value in further.items()}
        return metric_at(law, theta, {size: place, "tokens": rule_partner(flops, place), **other})[:, 0]

    numbers = {size: sizes, "tokens": lambda theta: rule_partner(flops, sizes(theta)), law.metric: loss}
    return Compared(found, numbers)


def default_budget(fitted: Fit) -> tuple[float | None, dict[str, float]]:
    """Ten times the largest compute of a fit's runs, and the largest value of each further axis; None without runs."""
    size = size_axis(fitted.law.axes)
    further = [name for name in fitted.law.axes if name not in (size, "tokens")]
    if not len(fitted.rows):
        return None, {}
    return target_compute(fitted), {name: float(np.max(fitted.rows.axes[name])) for name in further}


def default_point(fitted: Fit) -> dict[str, float] | None:
    """A point ten times beyond the runs along the first axis, for a law that plans nothing; None without runs."""
    if not len(fitted.rows):
        return None
    largest = {name: float(np.max(column)) for name, column in fitted.rows.axes.items()}
    return {name: 10 * value if name == fitted.law.axes[0] else value for name, value in largest.items()}
