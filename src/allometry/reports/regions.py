"""The plan's budget: loss over the size of the model, and the region that is nearly as good as the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from allometry.costs import rule_partner, size_axis
from allometry.fits import Fit
from allometry.notices import Interval
from allometry.plans import Plan
from allometry.reports.draws import band, curve
from allometry.reports.style import ACCENT, LEGEND_ABOVE, MUTED, WARM, Array, faded, framed, label, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

_POINTS = 121
_BEYOND = 2.5  # factor by which the curve reaches beyond the widest region and interval


def region_figure(fit: Fit, plan: Plan) -> go.Figure | None:
    """None for a plan without a point or a region: then the page says why in words."""
    import plotly.graph_objects as go

    size = size_axis(fit.law.axes)
    if size is None or not plan.complete or not plan.near_optimal:
        return None
    grid = _grid(plan, size)
    points = _points(plan, fit, size, grid)
    figure = go.Figure()
    _add_regions(figure, plan, size, grid)
    ends = band(fit, points)
    if ends is not None:
        figure.add_scatter(x=[*grid, *grid[::-1]], y=[*ends[0], *ends[1][::-1]], fill="toself", fillcolor=faded(ACCENT, 0.15),
                           line_width=0, mode="lines", hoverinfo="skip", name=f"{fit.settings.level:.0%} band (fit noise only)")  # fmt: skip
    figure.add_scatter(x=grid.tolist(), y=curve(fit, points).tolist(), mode="lines", line={"color": ACCENT, "width": 2.2},
                       name="the fit", hovertemplate="%{x:.3s}: %{y:.4g}<extra></extra>")  # fmt: skip
    _add_plan(figure, plan, size)
    framed(figure, 420)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=72)
    figure.update_xaxes(log_axis(label(fit, size) + ", tokens following at the plan's compute", grid))
    figure.update_yaxes(title_text=label(fit, fit.rows.metric))
    return figure


def _grid(plan: Plan, size: str) -> Array:
    regions = [region.axes[size] for region in plan.near_optimal]
    found = (plan.at[size], _calibrated(plan, size), *regions)
    ends = [end for one in found for end in (one.value, one.low, one.high) if end is not None]
    return np.geomspace(min(ends) / _BEYOND, max(ends) * _BEYOND, _POINTS)


def _points(plan: Plan, fit: Fit, size: str, grid: Array) -> dict[str, Array]:
    values = {name: found.value for name, found in plan.at.items() if found.value is not None}
    held = {name: np.full(len(grid), values[name]) for name in fit.law.axes if name not in (size, "tokens")}
    return {**held, size: grid, "tokens": rule_partner(values["flops"], grid)}


def _add_regions(figure: go.Figure, plan: Plan, size: str, grid: Array) -> None:
    for region in reversed(plan.near_optimal):
        found = region.axes[size]
        low, high = found.low or float(grid[0]), found.high or float(grid[-1])
        figure.add_vrect(x0=low, x1=high, fillcolor=WARM, opacity=0.1 + 0.1 * (region is plan.near_optimal[0]), line_width=0,
                         layer="below", showlegend=True, name=f"within {region.within:.1%} of the best")  # fmt: skip


def _add_plan(figure: go.Figure, plan: Plan, size: str) -> None:
    at, reached = plan.at[size], plan.loss.value
    if at.value is None or reached is None:
        return
    wide, bars = _bars(_calibrated(plan, size), at.value, MUTED), _bars(at, at.value, WARM)
    if wide is not None:
        figure.add_scatter(x=[at.value], y=[reached], mode="markers", name="calibrated interval", error_x=wide,
                           marker={"size": 5, "color": MUTED}, hoverinfo="skip")  # fmt: skip
    name = "the plan" if bars is None else f"the plan, interval of {plan.interval}"
    figure.add_scatter(x=[at.value], y=[reached], mode="markers", name=name, error_x=bars,
                       marker={"symbol": "star", "size": 15, "color": WARM})  # fmt: skip


def _calibrated(plan: Plan, size: str) -> Interval:
    """The interval that holds how earlier plans missed; empty where there is none, or where it gives no plan."""
    found = None if plan.calibration is None else plan.calibration.at.get(size)
    return Interval(None) if found is None or found.value is None else found


def _bars(found: Interval, value: float, colour: str) -> dict[str, Any] | None:
    if found.low is None or found.high is None:
        return None
    ends = {"array": [found.high - value], "arrayminus": [value - found.low]}
    return {"type": "data", "symmetric": False, **ends, "color": colour, "thickness": 2}
