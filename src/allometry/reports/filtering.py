"""Error against examples trained on: of every union of pools, or of every way of pruning."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allometry.data.filtering import Filtering, Pruned
from allometry.data.filtering.against import band
from allometry.reports.figure_page import write_figure_page
from allometry.reports.style import LEGEND_ABOVE, MUTED, Array, cut_short, faded, framed, law_colours, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go


def filtering_figure(found: Filtering | Pruned) -> go.Figure:
    """One curve for each choice of data over examples, a line at the budget and, of pruning, the runs."""
    import plotly.graph_objects as go

    figure = go.Figure()
    curves, runs = _pools(found) if isinstance(found, Filtering) else _arms(found)
    places = found.budgets if isinstance(found, Filtering) else found.places
    for (name, (value, low, high)), colour in zip(curves.items(), law_colours(len(curves)), strict=True):
        label = escape(cut_short(name))
        if np.isfinite(low).all():
            figure.add_scatter(x=[*places, *places[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines", line_width=0,
                               fillcolor=faded(colour, 0.12), legendgroup=label, showlegend=False, hoverinfo="skip")  # fmt: skip
        figure.add_scatter(x=places.tolist(), y=value.tolist(), mode="lines", name=label, legendgroup=label,
                           line={"color": colour, "width": 2.2}, hovertemplate="%{x:.3s}: %{y:.4g}<extra></extra>")  # fmt: skip
        if name in runs:
            figure.add_scatter(x=runs[name][0].tolist(), y=runs[name][1].tolist(), mode="markers", legendgroup=label,
                               marker={"color": colour, "size": 6}, showlegend=False)  # fmt: skip
    figure.add_vline(x=found.examples, line={"color": MUTED, "dash": "dash", "width": 1})
    framed(figure, 460)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=90)
    figure.update_xaxes(log_axis("examples trained on, repeats counted", places))
    figure.update_yaxes(log_axis("error", np.concatenate([value for value, _, _ in curves.values()])))
    return figure


def write_filtering_page(found: Filtering | Pruned, path: str | os.PathLike[str]) -> Path:
    """Write the figure as one page that opens without a network; `Refused` where the file cannot be written."""
    shaded = f" Shaded: {found.level:.0%} intervals, fit noise only." if found.interval != "none" else ""
    points = "" if isinstance(found, Filtering) else " Points: runs."
    return write_figure_page(
        filtering_figure(found),
        "Which data at which compute",
        f"Lines: fits.{points} Dashed: the compute asked for.{shaded}",
        path,
    )


_Curves = Mapping[str, tuple[Array, Array, Array]]
_Points = Mapping[str, tuple[Array, Array]]


def _pools(found: Filtering) -> tuple[_Curves, _Points]:
    """The pools alone, all together, and the unions that are best anywhere: all of them would hide the answer."""
    best = {found.best, *(name for turn in found.turns for name in (turn.before, turn.after))}
    wanted = {*found.pools, "+".join(found.pools), *best}
    return {name: curve for name, curve in found.curves.items() if name in wanted}, {}


def _arms(found: Pruned) -> tuple[_Curves, _Points]:
    curves, runs = dict[str, tuple[Array, Array, Array]](), dict[str, tuple[Array, Array]]()
    for arm in (found.random, *found.arms):
        curves[arm.name] = band(arm.fit, found.places)
        runs[arm.name] = arm.fit.rows.axes["examples"], arm.fit.rows.target
    return curves, runs
