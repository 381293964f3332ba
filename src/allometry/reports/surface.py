"""The law over size and tokens: contours of equal metric, lines of equal compute, and where compute is best spent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from allometry.costs import rule_flops, rule_partner, size_axis
from allometry.fits import Fit
from allometry.forecasts import metric_at
from allometry.reports.curves import RUN_MARKER, hover_texts
from allometry.reports.draws import curve, ends, thinned
from allometry.reports.groups import middle
from allometry.reports.style import INK, LEGEND_ABOVE, MUTED, WARM, Array, faded, framed, label

if TYPE_CHECKING:
    import plotly.graph_objects as go

_GRID, _BUDGETS, _SIZES = 70, 40, 400
_BEYOND = 4.0  # factor by which the map reaches beyond the runs and the plan
_LEVELS, _MOST_LINES = 24, 8


def surface_figure(fit: Fit, planned: Mapping[str, float] | None = None) -> go.Figure | None:
    """Contours with runs, frontier and the plan's point; None for a law without both size and tokens."""
    import plotly.graph_objects as go

    size = size_axis(fit.law.axes)
    if size is None or "tokens" not in fit.law.axes:
        return None
    sizes, tokens = _span(fit, size, planned), _span(fit, "tokens", planned)
    figure = go.Figure()
    _add_contours(figure, fit, size, sizes, tokens)
    _add_budgets(figure, sizes, tokens)
    _add_frontier(figure, fit, size, sizes, tokens)
    _add_points(figure, fit, size, planned)
    framed(figure, 560)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=72)
    scale = {"type": "log", "exponentformat": "power", "showgrid": False, "dtick": 1}
    figure.update_xaxes(**scale, title_text=label(fit, size), range=np.log10(sizes[[0, -1]]).tolist())
    figure.update_yaxes(**scale, title_text=label(fit, "tokens"), range=np.log10(tokens[[0, -1]]).tolist())
    return figure


def _span(fit: Fit, name: str, planned: Mapping[str, float] | None) -> Array:
    values = np.append(fit.rows.axes[name], [planned[name]] if planned and name in planned else [])
    return np.geomspace(values.min() / _BEYOND, values.max() * _BEYOND, _GRID)


def _held(fit: Fit, count: int) -> dict[str, Array]:
    return {name: np.full(count, value) for name, value in middle(fit).items()}


def _add_contours(figure: go.Figure, fit: Fit, size: str, sizes: Array, tokens: Array) -> None:
    n, d = (grid.ravel() for grid in np.meshgrid(sizes, tokens))
    values = curve(fit, {**_held(fit, len(n)), size: n, "tokens": d}).reshape(len(tokens), len(sizes))
    usable = values[np.isfinite(values)]
    if not len(usable):
        return
    # equal shares of the map between lines: equal steps would crowd them all into the corner of small runs
    low, high = float(usable.min()), float(np.quantile(usable, 0.9))
    step = _round_step((high - low) / _LEVELS)
    figure.add_contour(
        x=sizes.tolist(), y=tokens.tolist(), z=np.where(np.isfinite(values), np.minimum(values, high + step), np.nan).tolist(),
        contours={"start": float(np.ceil(low / step) * step), "end": high, "size": step, "showlabels": True,
                  "labelfont": {"size": 11, "color": INK}},
        colorscale=[[0, "#dbe9f6"], [0.5, "#eef4fa"], [1, "#ffffff"]], line={"color": "#8fb1d3", "width": 1}, showscale=False,
        hovertemplate="%{x:.3s}, %{y:.3s}: %{z:.4g}<extra></extra>", name=escape(fit.law.metric),
    )  # fmt: skip


def _round_step(step: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten at or above."""
    power = 10.0 ** np.floor(np.log10(max(step, 1e-12)))
    return float(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step))


def _add_budgets(figure: go.Figure, sizes: Array, tokens: Array) -> None:
    """One dotted line a decade of compute, or every second one where there are many."""
    low, high = (float(np.log10(rule_flops(sizes[end], tokens[end]))) for end in (0, -1))
    decades = range(math.ceil(low), math.floor(high) + 1)
    decades = decades[:: 2 if len(decades) > _MOST_LINES else 1]
    for i, decade in enumerate(decades):
        figure.add_scatter(
            x=sizes.tolist(), y=rule_partner(10.0**decade, sizes).tolist(), mode="lines", hoverinfo="skip",
            line={"color": MUTED, "width": 1, "dash": "dot"}, name="equal compute (6ND)", legendgroup="compute", showlegend=i == 0,
        )  # fmt: skip


def _add_frontier(figure: go.Figure, fit: Fit, size: str, sizes: Array, tokens: Array) -> None:
    budgets = np.geomspace(rule_flops(sizes[0], tokens[0]), rule_flops(sizes[-1], tokens[-1]), _BUDGETS)
    draws = thinned(fit)
    best = frontier(fit, fit.estimate[None], size, budgets, sizes)[0]
    known = np.isfinite(best)
    if len(draws) > 1:
        low, high = ends(fit, frontier(fit, draws, size, budgets, sizes))
        both = np.isfinite(low) & np.isfinite(high) & known
        x = np.concatenate([low[both], high[both][::-1]])
        y = rule_partner(np.concatenate([budgets[both], budgets[both][::-1]]), x)
        figure.add_scatter(x=x.tolist(), y=y.tolist(), fill="toself", fillcolor=faded(WARM, 0.18), line_width=0, mode="lines",
                           hoverinfo="skip", name=f"its {fit.settings.level:.0%} interval (fit noise only)")  # fmt: skip
    figure.add_scatter(x=best[known].tolist(), y=rule_partner(budgets[known], best[known]).tolist(), mode="lines",
                       line={"color": WARM, "width": 2.5}, name="least loss for its compute")  # fmt: skip


def frontier(fit: Fit, draws: Array, size: str, budgets: Array, sizes: Array) -> Array:
    """The best size (B, k) of each draw (B, P) at each budget (k,), NaN where it lies outside the map.

    For drawing: best of a fine grid, at the middle of a parabola through three of its points.
    """
    grid = np.linspace(np.log(sizes[0]) - 1, np.log(sizes[-1]) + 1, _SIZES)
    result = np.full((len(draws), len(budgets)), np.nan)
    for i, budget in enumerate(budgets):
        n = np.exp(grid)
        with np.errstate(all="ignore"):
            values = metric_at(fit.law, draws, {**_held(fit, _SIZES), size: n, "tokens": rule_partner(budget, n)})
        values = np.where(np.isfinite(values), values, np.inf)
        result[:, i] = np.exp(_lowest(grid, values))
    return result


def _lowest(grid: Array, values: Array) -> Array:
    """Where each row of values (B, k) is lowest on an even grid (k,), NaN at its ends."""
    at = values.argmin(axis=1)
    inner = (at > 0) & (at < len(grid) - 1)
    centre = np.clip(at, 1, len(grid) - 2)
    left, here, right = (values[np.arange(len(values)), centre + shift] for shift in (-1, 0, 1))
    with np.errstate(all="ignore"):
        shift = (left - right) / (2 * (left - 2 * here + right))
    found = grid[centre] + np.where(np.isfinite(shift), shift, 0.0) * (grid[1] - grid[0])
    return np.where(inner, found, np.nan)


def _add_points(figure: go.Figure, fit: Fit, size: str, planned: Mapping[str, float] | None) -> None:
    rows = np.arange(len(fit.rows))
    figure.add_scatter(
        x=fit.rows.axes[size].tolist(), y=fit.rows.axes["tokens"].tolist(), mode="markers", marker=RUN_MARKER, name="runs",
        text=hover_texts(fit, rows), hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    if planned and size in planned and "tokens" in planned:
        figure.add_scatter(x=[planned[size]], y=[planned["tokens"]], mode="markers", name="the plan",
                           marker={"symbol": "star", "size": 16, "color": WARM, "line": {"color": "#ffffff", "width": 1}})  # fmt: skip
