"""The numbers most decisions turn on: the loss ten times beyond the runs, and the optimal size there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from allometry.costs import compute_of, rule_partner, size_axis
from allometry.fits import Fit, Quantity
from allometry.forecasts import percentiles, value_at
from allometry.notices import Interval, Refused
from allometry.plans.decision import optimal_params

AHEAD = 10.0


def target_compute(fit: Fit) -> float | None:
    """Ten times the largest training compute of the fit's rows; None where they have none."""
    compute = compute_of(fit.rows.axes) if len(fit.rows) else None
    return None if compute is None else AHEAD * float(np.max(compute))


def default_quantities(fit: Fit) -> dict[str, Quantity]:
    """The loss at ten times the largest compute, and N* there where the law has one: what diagnosis asks of.

    A law without compute is asked at ten times the largest value of its first axis.
    """
    if not len(fit.rows) or fit.confounded:
        return {}
    largest = {name: float(np.max(column)) for name, column in fit.rows.axes.items()}
    compute, size = target_compute(fit), size_axis(fit.law.axes)
    if compute is None:
        first = fit.law.axes[0]
        return {
            f"{fit.law.metric} at {AHEAD:g}x the largest {first}": value_at({**largest, first: AHEAD * largest[first]})
        }
    if size is None or "tokens" not in fit.law.axes:
        return {f"{fit.law.metric} at {compute:.3g} FLOPs": value_at({**largest, "flops": compute})}
    further = {name: value for name, value in largest.items() if name not in (size, "tokens")}
    return _sized(fit, compute, size, further)


def _sized(fit: Fit, compute: float, size: str, further: Mapping[str, float]) -> dict[str, Quantity]:
    best = optimal_params(compute, further)
    try:
        at = float(best(fit.law, fit.estimate[None])[0])
    except Refused:
        at = float("nan")
    if not np.isfinite(at) or at <= 0:
        top = {name: float(np.max(column)) for name, column in fit.rows.axes.items()}
        return {f"{fit.law.metric} at the largest run": value_at(top)}
    point = {**further, size: at, "tokens": float(rule_partner(compute, at))}
    return {f"{fit.law.metric} at {compute:.3g} FLOPs": value_at(point), f"N* at {compute:.3g} FLOPs": best}


@dataclass(frozen=True)
class PairedRatio:
    """The ratio of two fits' optimal sizes at one budget, draw by draw on the same resamples."""

    label: str
    flops: float
    ratio: Interval

    def as_json(self) -> dict[str, object]:
        ratio = self.ratio
        return {
            "label": self.label,
            "flops": self.flops,
            "value": ratio.value,
            "low": ratio.low,
            "high": ratio.high,
            "why": ratio.why,
        }


def paired_optima(fits: Sequence[Fit]) -> tuple[PairedRatio, ...]:
    """Ratios of optimal sizes of every two fits on the same rows: real differences and not noise of the rows.

    Fits on different rows, or without optimal sizes, are left out.
    """
    return tuple(pair for one, other in combinations(fits, 2) if (pair := _ratio(one, other)) is not None)


def _ratio(one: Fit, other: Fit) -> PairedRatio | None:
    compute = target_compute(one)
    if compute is None or not np.array_equal(one.rows.numbers, other.rows.numbers):
        return None
    further = {n: float(np.max(c)) for n, c in one.rows.axes.items() if n not in (size_axis(one.law.axes), "tokens")}
    best = optimal_params(compute, further)
    shared, first, second = np.intersect1d(one.draw_numbers, other.draw_numbers, return_indices=True)
    try:
        values = [
            best(f.law, np.concatenate([f.estimate[None], f.draws[i]])) for f, i in ((one, first), (other, second))
        ]
    except Refused:
        return None
    ratios = values[0] / values[1]
    why = "" if len(shared) > 1 else "no resamples were asked for"
    interval = percentiles(float(ratios[0]), ratios[1:], one.settings.level, why)
    return PairedRatio(f"N* by {one.rows.metric} / by {other.rows.metric}", compute, interval)
