"""A table of runs before anything is fitted: its metric over compute or its first axis, one colour a size."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from allometry.axes import AXES
from allometry.costs import size_axis
from allometry.notices import Refused
from allometry.reports.groups import group_labels
from allometry.reports.numbers import shown
from allometry.reports.style import Array, framed, log_axis, palette
from allometry.runs import Description, Runs, describe

if TYPE_CHECKING:
    import plotly.graph_objects as go


def runs_figure(runs: Runs) -> go.Figure:
    """The rows in use; Refused where the table has no metric, or no axis to draw it over."""
    import plotly.graph_objects as go

    found = describe(runs)
    name, by = _coordinates(found)
    x, y = _numbers(runs, name), _numbers(runs, str(found.metric))
    labels = group_labels(_numbers(runs, by)) if by else np.zeros(len(x), int)
    groups = np.unique(labels)
    figure = go.Figure()
    for group, colour in zip(groups, palette(len(groups)), strict=True):
        rows = np.flatnonzero((labels == group) & np.isfinite(x) & np.isfinite(y))
        size = float(np.median(_numbers(runs, by)[rows])) if by and len(rows) else None
        figure.add_scatter(
            x=x[rows].tolist(), y=y[rows].tolist(), mode="markers", name=shown(size, 3) if by else "runs",
            marker={"color": colour, "size": 7, "line": {"color": "#ffffff", "width": 0.6}},
            text=[f"row {number}" for number in runs.row_numbers[rows]], hovertemplate="%{text}: %{x:.3s}, %{y:.4g}<extra></extra>",
        )  # fmt: skip
    framed(figure, 480, legend=by is not None)
    figure.update_xaxes(log_axis(_title(name, found), _finite(x)))
    figure.update_yaxes(log_axis(_title(str(found.metric), found), _finite(y)))
    if by:
        figure.update_layout(legend_title_text=escape(by))
    return figure


def _coordinates(found: Description) -> tuple[str, str | None]:
    """What the metric is drawn over, and what the colours are: compute by size where there are both."""
    usable = [name for name, axis in found.axes.items() if axis.low is not None and axis.distinct > 1]
    if found.metric is None or not usable:
        missing = "metric" if found.metric is None else "axis that varies"
        raise Refused("nothing-to-plot", f"the table has no {missing}", found.source, "map its columns (map=...)")
    size = size_axis(tuple(usable))
    name = "flops" if "flops" in usable else usable[0]
    others = [other for other in usable if other not in (name, "flops")]
    return name, size if size is not None and size != name else next(iter(others), None)


def _numbers(runs: Runs, name: str) -> Array:
    return np.asarray(runs.column(name), dtype=float)


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def _title(name: str, found: Description) -> str:
    unit = (
        {**found.axes, **found.metrics}[name].unit if name in found.axes or name in found.metrics else AXES[name].unit
    )
    return escape(f"{name} ({unit})" if unit and unit != name else name)
