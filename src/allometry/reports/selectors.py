"""A selector in a picture: accuracy against samples beside an exact check and a vote, and scores against what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from allometry.inference.sweeps import BestOf, Reliability, SelectorErrors
from allometry.notices import Interval, Refused
from allometry.reports.style import LEGEND_ABOVE, MUTED, cut_short, faded, framed, law_colours

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SYMBOLS = ("circle", "diamond", "square")


def selector_figure(found: SelectorErrors) -> go.Figure:
    """Best-of-N over N with intervals, the best N and the ceiling; beside it the reliability of scores that are chances.

    Errors: `Refused` where each problem has one sample only.
    """
    from plotly.subplots import make_subplots

    if found.best_of is None:
        raise Refused("nothing-to-plot", "a problem has only one sample", "plot", "draw two or more of each")
    both = found.reliability is not None
    titles = ["accuracy of the best of N samples", "what came out against what was said"][: 1 + both]
    figure: go.Figure = make_subplots(1, len(titles), subplot_titles=titles, horizontal_spacing=0.11)
    _draw_curves(figure, found.best_of, cut_short(found.selector))
    if found.ceiling.value is not None:
        _line(figure, found.best_of, found.ceiling.value)
    counts = np.array([float(row.samples) for row in found.best_of.rows])
    figure.update_xaxes(title_text="samples N", row=1, col=1)
    if found.reliability is not None:
        _draw_bins(figure, found.reliability)
    framed(figure, 460)
    figure.update_xaxes(
        range=[np.log10(counts[0]) - 0.05, np.log10(counts[-1]) + 0.05],
        type="log",
        dtick=None,
        tickvals=counts,
        ticktext=[f"{n:g}" for n in counts],
        row=1,
        col=1,
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title_text="accuracy", row=1, col=1)
    figure.update_layout(legend={**LEGEND_ABOVE, "y": 1.1}, margin_t=110)
    return figure


def _draw_curves(figure: go.Figure, found: BestOf, selector: str) -> None:
    curves: list[tuple[str, Callable[[Any], Interval | None]]] = [
        (f"by {selector}", lambda row: row.selector),
        ("by an exact check (oracle)", lambda row: row.oracle),
        ("by majority", lambda row: row.majority),
    ]
    for i, (name, of) in enumerate(curves):
        points = [(row.samples, of(row)) for row in found.rows]
        told = [(n, value) for n, value in points if value is not None and value.value is not None]
        if told:
            look = {"color": law_colours(3)[i], "symbol": _SYMBOLS[i], "size": 8}
            figure.add_scatter(
                x=[n for n, _ in told], y=[value.value for _, value in told], name=escape(name), mode="lines+markers",
                marker=look, line={"color": look["color"], "width": 2}, error_y=_bars([v for _, v in told], look["color"]),
                hovertemplate="N = %{x}: %{y:.1%}<extra></extra>", row=1, col=1,
            )  # fmt: skip
    best = found.peak.samples
    if found.peak.hurts and best.value is not None:
        figure.add_vrect(best.low, best.high, fillcolor=faded(law_colours(1)[0], 0.12), line_width=0, row=1, col=1)
        figure.add_scatter(
            x=[best.value, best.value], y=[0, 1], name="best N", mode="lines", hoverinfo="skip",
            line={"color": law_colours(1)[0], "width": 1, "dash": "dot"}, row=1, col=1,
        )  # fmt: skip


def _line(figure: go.Figure, found: BestOf, value: float) -> None:
    ends = [found.rows[0].samples, found.rows[-1].samples]
    figure.add_scatter(x=ends, y=[value, value], name="ceiling by acceptance", mode="lines",
                       line={"color": MUTED, "width": 1.5, "dash": "dash"},
                       hovertemplate="ceiling %{y:.1%}<extra></extra>", row=1, col=1)  # fmt: skip


def _draw_bins(figure: go.Figure, found: Reliability) -> None:
    figure.add_scatter(x=[0, 1], y=[0, 1], name="scores as chances", mode="lines",
                       line={"color": MUTED, "width": 1, "dash": "dot"}, hoverinfo="skip", row=1, col=2)  # fmt: skip
    colour = law_colours(4)[3]
    figure.add_scatter(
        x=[each.score for each in found.bins], y=[each.right.value for each in found.bins], name="samples by score",
        mode="lines+markers", marker={"color": colour, "size": 8}, line={"color": colour, "width": 1},
        error_y=_bars([each.right for each in found.bins], colour),
        text=[f"{each.samples} samples" for each in found.bins],
        hovertemplate="said %{x:.2f}, came out %{y:.1%}, %{text}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    figure.update_xaxes(title_text="mean score", range=[0, 1.02], row=1, col=2)
    figure.update_yaxes(title_text="share that is right", range=[0, 1.02], row=1, col=2)


def _bars(found: Sequence[Interval], colour: object) -> dict[str, Any]:
    def far(one: Interval, end: float | None) -> float:
        return 0.0 if end is None or one.value is None else abs(end - one.value)

    return {"type": "data", "array": [far(one, one.high) for one in found], "color": colour, "thickness": 1, "width": 3,
            "arrayminus": [far(one, one.low) for one in found]}  # fmt: skip
