"""The fit: measured points and the law's curves with their bands, one for each group of runs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from allometry.axes import AXES
from allometry.fits import Fit
from allometry.reports.draws import band, curve
from allometry.reports.groups import Group, Grouped, grouped
from allometry.reports.numbers import shown
from allometry.reports.style import ACCENT, WARM, Array, faded, framed, label, log_axis, palette

if TYPE_CHECKING:
    import plotly.graph_objects as go


def fit_figure(fit: Fit, marked: tuple[int, ...] = ()) -> go.Figure:
    """The metric over compute (or the first axis) with one curve a group; `marked` row numbers are ringed."""
    import plotly.graph_objects as go

    found = grouped(fit)
    figure = go.Figure()
    for group, colour in zip(found.groups, palette(len(found.groups)), strict=True):
        _add_curve(figure, fit, group, colour)
        _add_runs(figure, fit, found, group, colour)
    _add_marked(figure, fit, found.x, marked)
    framed(figure, 540, legend=found.by is not None)
    figure.update_xaxes(log_axis(coordinate(fit, found.name), found.x))
    figure.update_yaxes(log_axis(label(fit, fit.rows.metric), fit.rows.target))
    if found.by:
        figure.update_layout(legend_title_text=escape(found.by))
    return figure


def coordinate(fit: Fit, name: str) -> str:
    """The title of a coordinate: compute, by the rule of thumb, or an axis."""
    return f"training compute 6ND ({AXES['flops'].unit})" if name == "compute" else label(fit, name)


def _add_curve(figure: go.Figure, fit: Fit, group: Group, colour: str) -> None:
    name, ends = _name(fit, group), band(fit, group.points)
    if ends is not None:
        low, high = ends
        known = np.isfinite(low) & np.isfinite(high)
        across = np.concatenate([group.x[known], group.x[known][::-1]])
        along = np.concatenate([low[known], high[known][::-1]])
        figure.add_scatter(x=across.tolist(), y=along.tolist(), fill="toself", fillcolor=faded(colour, 0.18), line_width=0,
                           mode="lines", hoverinfo="skip", name=name, legendgroup=name, showlegend=False)  # fmt: skip
    values = curve(fit, group.points)
    figure.add_scatter(x=group.x.tolist(), y=_numbers(values), mode="lines", line={"color": colour, "width": 1.8},
                       name=name, legendgroup=name, hoverinfo="skip")  # fmt: skip


def _name(fit: Fit, group: Group) -> str:
    return shown(group.value, 3) if group.value is not None else escape(fit.law.name)


def _add_runs(figure: go.Figure, fit: Fit, found: Grouped, group: Group, colour: str) -> None:
    name = _name(fit, group)
    figure.add_scatter(
        x=found.x[group.rows].tolist(), y=fit.rows.target[group.rows].tolist(), mode="markers", name=name, legendgroup=name, showlegend=False,
        marker={"color": colour, "size": 6, "line": {"color": "#ffffff", "width": 0.6}},
        text=hover_texts(fit, group.rows), hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _add_marked(figure: go.Figure, fit: Fit, x: Array, marked: tuple[int, ...]) -> None:
    rows = positions(fit, marked)
    if len(rows):
        figure.add_scatter(
            x=x[rows].tolist(), y=fit.rows.target[rows].tolist(), mode="markers", name="moves the answer", hoverinfo="skip",
            marker={"symbol": "circle-open", "color": WARM, "size": 12, "line": {"width": 2}},
        )  # fmt: skip


def positions(fit: Fit, numbers: tuple[int, ...]) -> np.ndarray:
    """Where rows of the table as given stand among the rows of the fit."""
    return np.flatnonzero(np.isin(fit.rows.numbers, numbers))


def hover_texts(fit: Fit, rows: np.ndarray) -> list[str]:
    """What the pointer shows at each run."""
    names = [*fit.law.axes]
    return [
        "<br>".join([
            f"row {int(fit.rows.numbers[i])}",
            *(f"{escape(name)} {shown(float(fit.rows.axes[name][i]))}" for name in names),
            f"{escape(fit.rows.metric)} {shown(float(fit.rows.target[i]))}",
        ])
        for i in rows
    ]  # fmt: skip


def _numbers(values: Array) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


RUN_MARKER = {"color": ACCENT, "size": 6, "opacity": 0.75, "line": {"color": "#ffffff", "width": 0.6}}
