"""Accuracy against cost: strategies at budgets, with intervals; what saw the answers is drawn apart."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from allometry.inference.sweeps import Results, Row
from allometry.notices import Refused
from allometry.reports.style import LEGEND_ABOVE, cut_short, framed, law_colours, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PANEL = 420
_AXES = {
    "generated_tokens": "generated tokens a problem", "calls": "calls a problem", "flops": "FLOPs a problem",
    "money": "money a problem", "seconds": "seconds a problem",
}  # fmt: skip
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x")


def sweep_figure(found: Results) -> go.Figure:
    """Accuracy over what was used, one panel a kind of scorer; strategies whose selector saw the answers in their own.

    Errors: `Refused` where nothing was scored.
    """
    from plotly.subplots import make_subplots

    scored = [row for row in found.rows if row.accuracy.value is not None]
    if not scored:
        raise Refused("nothing-to-plot", "no answer was scored", "plot", "sweep with a scorer")
    panels = _panels(scored)
    figure: go.Figure = make_subplots(len(panels), 1, subplot_titles=[escape(title) for title in panels])
    names = list(dict.fromkeys(_name(row, found) for row in scored))
    colours, legends = dict(zip(names, law_colours(len(names)), strict=True)), set[str]()
    for number, rows in enumerate(panels.values(), 1):
        for i, name in enumerate(names):
            points = sorted((row for row in rows if _name(row, found) == name), key=_used)
            if points:
                look = {"color": colours[name], "symbol": _SYMBOLS[i % len(_SYMBOLS)], "size": 8}
                _draw(figure, number, name, points, look, name not in legends)
                legends.add(name)
        used = np.array([_used(row) for row in rows])
        figure.update_xaxes(log_axis(_AXES.get(rows[0].unit, "generated tokens a problem"), used), row=number, col=1)
    framed(figure, 110 + _PANEL * len(panels))
    figure.update_yaxes(title_text="accuracy", tickformat=".0%", rangemode="tozero")
    figure.update_layout(legend={**LEGEND_ABOVE, "y": 1 + 0.12 / len(panels)}, margin_t=110)
    return figure


def _panels(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows that may stand in one picture, by its title."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.oracle):
        seen = " whose selector sees the answers: a bound, not a method" if row.oracle else ""
        title = f"scored by {row.scorer} ({row.scorer_kind}){seen}"
        found.setdefault(title if len({r.unit for r in rows}) == 1 else f"{title}, budgets in {row.unit}", []).append(
            row
        )
    return found


def _name(row: Row, found: Results) -> str:
    several = len({other.engine for other in found.rows}) > 1
    untold = row.selector_kind != "rule" and row.selector not in row.strategy
    selected = f" by {row.selector}" if untold else ""
    return cut_short(row.strategy) + selected + (f" on {cut_short(found.name(row.engine))}" if several else "")


def _used(row: Row) -> float:
    """What a problem took, in the unit of the budget."""
    return float(row.meter.get(row.unit or "generated_tokens") or 0.0)


def _draw(
    figure: go.Figure, number: int, name: str, points: Sequence[Row], look: dict[str, object], told: bool
) -> None:
    values = [row.accuracy.value or 0.0 for row in points]
    up = [
        (row.accuracy.high if row.accuracy.high is not None else v) - v for row, v in zip(points, values, strict=True)
    ]
    down = [
        v - (row.accuracy.low if row.accuracy.low is not None else v) for row, v in zip(points, values, strict=True)
    ]
    said = [
        f"budget {row.budget:g}: {value:.1%} of {row.problems} problems"
        for row, value in zip(points, values, strict=True)
    ]
    figure.add_scatter(
        x=[_used(row) for row in points], y=values, name=escape(name), legendgroup=name, showlegend=told,
        mode="lines+markers", marker=look, line={"color": look["color"], "width": 2},
        error_y={"type": "data", "array": up, "arrayminus": down, "thickness": 1, "width": 3, "color": look["color"]},
        text=[escape(each) for each in said], hovertemplate="%{text}, used %{x:.4g}<extra></extra>", row=number, col=1,
    )  # fmt: skip
