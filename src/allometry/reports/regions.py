"""The plan's budget: loss over the size of the model, and the region that is nearly as good as the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from allometry.costs import rule_partner, size_axis
from allometry.fits import Fit
from allometry.plans import Plan
from allometry.reports.draws import band, curve
from allometry.reports.style import ACCENT, LEGEND_ABOVE, WARM, Array, faded, framed, label, log_axis

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
    ends = [
        end for found in (plan.at[size], *regions) for end in (found.value, found.low, found.high) if end is not None
    ]
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
    bars = None if at.low is None or at.high is None else {
        "type": "data", "symmetric": False, "array": [at.high - at.value], "arrayminus": [at.value - at.low], "color": WARM,
    }  # fmt: skip
    figure.add_scatter(x=[at.value], y=[reached], mode="markers", name="the plan" if bars is None else "the plan, with its interval", error_x=bars,
                       marker={"symbol": "star", "size": 15, "color": WARM})  # fmt: skip
