"""What the page's sliders start from: the law as JavaScript, its axes and thinned joint draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, size_axis
from allometry.fits import Fit
from allometry.reports.draws import thinned
from allometry.reports.style import Array, embedded_json, metric_unit

_BEYOND = 100.0  # factor by which a slider reaches beyond the runs: far enough for a plan, marked as extrapolation
_DIGITS = 9  # of a draw; 200 of them stand in the page


@dataclass(frozen=True)
class Sliders:
    """The law's `function(v){...}` and everything else the script needs, as JSON safe inside a script element."""

    function: str
    data: str
    draws: int
    compute: bool


def sliders(fit: Fit, planned: Mapping[str, float] | None = None) -> Sliders | None:
    """One slider an axis, from the runs to a hundred times beyond them, starting at the plan or amid the runs.

    Published constants have no runs: then the law's own design says where its axes lie; None without one.
    """
    axes = design_axes(fit)
    if axes is None:
        return None
    start = {name: float(np.median(values)) for name, values in axes.items()} | {
        name: value for name, value in (planned or {}).items() if name in fit.law.axes
    }
    size = size_axis(fit.law.axes) if "tokens" in fit.law.axes else None
    draws = [[float(f"{value:.{_DIGITS}g}") for value in draw] for draw in thinned(fit) if np.isfinite(draw).all()]
    data = {
        "axes": [_axis(fit, name, values, start[name]) for name, values in axes.items()],
        "metric": fit.rows.metric,
        "unit": metric_unit(fit),
        "parameters": list(fit.law.parameter_names),
        "estimate": fit.estimate.tolist(),
        "draws": draws,
        "level": fit.settings.level,
        "size": size,
        "flopsPerTokenParameter": FLOPS_PER_PARAMETER_AND_TOKEN if size else None,
    }
    return Sliders(fit.law.javascript(), embedded_json(data), len(draws), size is not None)


def design_axes(fit: Fit) -> dict[str, Array] | None:
    """The runs' axes, or for published constants those of the law's own design; None without one."""
    if len(fit.rows):
        return {name: fit.rows.axes[name] for name in fit.law.axes}
    return None if fit.law.design is None else {name: np.array(fit.law.design.grid[name]) for name in fit.law.axes}


def _axis(fit: Fit, name: str, values: Array, start: float) -> dict[str, object]:
    low, high = float(values.min()), float(values.max())
    positive = low > 0
    reach = (low / 2, max(high, start) * _BEYOND) if positive else (low, high + (high - low))
    return {
        "name": name, "unit": fit.law.axis(name).unit, "log": positive, "runs": [low, high] if len(fit.rows) else None,
        "low": reach[0], "high": float(np.nextafter(reach[1], np.inf)), "start": start,
    }  # fmt: skip
