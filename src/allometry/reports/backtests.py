"""How far off forecasts of runs not seen were, over how far ahead these lay: one panel a law, one symbol a cut."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from allometry.forecasts import Backtest, by_distance
from allometry.reports.numbers import shown
from allometry.reports.panels import panels
from allometry.reports.style import MUTED, Array, cut_short, faded, law_colours

if TYPE_CHECKING:
    import plotly.graph_objects as go

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
_SHARE_SHOWN = 0.99  # of all errors: a single wild forecast would flatten the others
_ROOM = 1.15
MOST_DRAWN = 400  # forecasts of one cut: more would make one cloud and a slow page


def error_figure(tests: Sequence[Backtest]) -> go.Figure | None:
    """Signed errors of all laws; None for a given hold-out, which has no axis to be ahead on."""
    cuts = np.unique(np.concatenate([test.cut[np.isfinite(test.cut)] for test in tests]))
    if not len(cuts):
        return None
    figure, places = panels([escape(cut_short(test.law.name)) for test in tests])
    for test, colour, place in zip(tests, law_colours(len(tests)), places, strict=True):
        figure.add_hline(y=0, line={"color": MUTED, "width": 1}, exclude_empty_subplots=False, **place)
        _add_typical(figure, test, colour, place)
        for cut, symbol in zip(cuts, SYMBOLS, strict=False):
            _add_cut(figure, test, float(cut), {"symbol": symbol, "color": colour, "size": 6, "opacity": 0.6}, place)
    _add_legend(figure, cuts)
    farthest = max(float(test.ahead.max()) for test in tests)
    figure.update_xaxes(range=[0, farthest * 1.03], title_text=f"decades of {escape(axis_name(tests[0]))} ahead")
    figure.update_yaxes(range=[-limit(tests), limit(tests)], ticksuffix="%")
    figure.update_yaxes(title_text="predicted / measured − 1", col=1)
    return figure


def axis_name(test: Backtest) -> str:
    """What was cut, as people call it."""
    return "compute" if test.along == "flops" else str(test.along)


def percents(test: Backtest) -> Array:
    """predicted / measured - 1 (m,) in percent; infinite where the forecast is no positive number."""
    return np.asarray(100 * np.expm1(test.error))


def limit(tests: Sequence[Backtest]) -> float:
    """Where the picture ends, in percent: nearly all errors lie within."""
    found = np.abs(np.concatenate([percents(test) for test in tests]))
    return _ROOM * max(float(np.quantile(found[np.isfinite(found)], _SHARE_SHOWN)), 1e-3)


def outside(tests: Sequence[Backtest]) -> int:
    """How many errors lie beyond the picture."""
    end = limit(tests)
    return int(sum((np.abs(percents(test)) > end).sum() for test in tests))


def drawn(rows: np.ndarray) -> np.ndarray:
    """Row positions (m,), evenly thinned where there are too many to draw."""
    return rows[:: max(1, -(-len(rows) // MOST_DRAWN))]


def _add_cut(figure: go.Figure, test: Backtest, cut: float, marker: dict[str, object], place: dict[str, int]) -> None:
    rows = drawn(np.flatnonzero((test.cut == cut) & np.isfinite(test.error)))
    figure.add_scatter(
        x=test.ahead[rows].tolist(), y=percents(test)[rows].tolist(), mode="markers", marker=marker, showlegend=False,
        name=f"cut at {shown(cut, 3)}", legendgroup=shown(cut, 3), text=hover_texts(test, rows), hovertemplate="%{text}<extra></extra>", **place,
    )  # fmt: skip


def hover_texts(test: Backtest, rows: np.ndarray) -> list[str]:
    """What the pointer shows at each forecast."""
    return [
        f"row {int(test.row[i])}<br>measured {shown(float(test.measured[i]))}<br>predicted {shown(float(test.predicted[i]))}"
        for i in rows
    ]


def _add_typical(figure: go.Figure, test: Backtest, colour: str, place: dict[str, int]) -> None:
    """The mean size of the error in each range of distances, to both sides of zero."""
    boxes = [(item.low, item.high, 100 * item.error_mean) for item in by_distance(test)]
    x = list(chain.from_iterable((low, high, high, low, None) for low, high, _ in boxes))
    y = list(chain.from_iterable((mean, mean, -mean, -mean, None) for *_, mean in boxes))
    figure.add_scatter(x=x, y=y, mode="lines", name="mean size of the error", fill="toself", fillcolor=faded(colour, 0.16), line_width=0, hoverinfo="skip", showlegend=False, **place)  # fmt: skip


def _add_legend(figure: go.Figure, cuts: Array) -> None:
    for cut, symbol in zip(cuts, SYMBOLS, strict=False):
        figure.add_scatter(x=[None], y=[None], mode="markers", name=f"cut at {shown(float(cut), 3)}",
                           legendgroup=shown(float(cut), 3), marker={"symbol": symbol, "color": MUTED, "size": 9})  # fmt: skip
