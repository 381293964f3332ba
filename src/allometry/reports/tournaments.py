"""Laws in the order of their backtest error: how large it is, how far behind the best, what share in the stack."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from allometry.forecasts import Standing, Tournament
from allometry.reports.style import ACCENT, LEGEND_ABOVE, MUTED, WARM, cut_short, framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINE_HEIGHT = 40


def tournament_figure(found: Tournament) -> go.Figure:
    """Three panels on the same lines, one a law, the best on top."""
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=3, shared_yaxes=True, horizontal_spacing=0.04, column_widths=[0.36, 0.4, 0.24])
    for marked, name, colour, symbol in ((True, "recommended", WARM, "star"), (False, "others", ACCENT, "circle")):
        chosen = [(i, s) for i, s in enumerate(found.standings) if (s.law == found.recommended) == marked]
        if chosen:
            _add_laws(figure, chosen, name, colour, symbol)
    figure.add_vline(x=0, line={"color": MUTED, "width": 1}, row=1, col=2)
    framed(figure, 150 + _LINE_HEIGHT * len(found.standings))
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=52, bargap=0.55)
    names = [escape(cut_short(standing.law)) for standing in found.standings]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5])
    figure.update_xaxes(title_text="mean error", rangemode="tozero", ticksuffix="%", col=1)
    figure.update_xaxes(title_text="mean |ln error| above the best law's × 100", col=2)
    figure.update_xaxes(title_text="share in the stack", rangemode="tozero", ticksuffix="%", col=3)
    return figure


def _add_laws(figure: go.Figure, chosen: list[tuple[int, Standing]], name: str, colour: str, symbol: str) -> None:
    lines = [i for i, _ in chosen]
    marker = {"color": colour, "size": 14 if symbol == "star" else 10, "symbol": symbol}
    figure.add_scatter(
        x=[100 * s.error_mean for _, s in chosen], y=lines, mode="markers", name=name, legendgroup=name, marker=marker,
        hovertemplate="%{x:.2f}%<extra></extra>", row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=[100 * (s.behind.value or 0.0) for _, s in chosen], y=lines, mode="markers", marker=marker, name=name, showlegend=False,
        legendgroup=name, error_x=_bars(chosen, colour), hovertemplate="%{x:.3g}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    figure.add_bar(
        x=[100 * s.weight for _, s in chosen], y=lines, orientation="h", marker_color=colour, name=name, showlegend=False,
        legendgroup=name, hovertemplate="%{x:.0f}%<extra></extra>", row=1, col=3,
    )  # fmt: skip


def _bars(chosen: list[tuple[int, Standing]], colour: str) -> dict[str, Any]:
    """The ends of each interval as distances from its value; none where there are too few runs for one."""
    found = [s.behind for _, s in chosen]
    value = [item.value or 0.0 for item in found]
    up = [100 * (item.high - at) if item.high is not None else 0.0 for item, at in zip(found, value, strict=True)]
    down = [100 * (at - item.low) if item.low is not None else 0.0 for item, at in zip(found, value, strict=True)]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": colour, "thickness": 2}
