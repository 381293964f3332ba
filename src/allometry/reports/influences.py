"""How far leaving out the found rows moves each quantity, beside what the same search does where nothing is wrong,
and how far these rows lie from the curve."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from allometry.fits import Diagnosis, Fit, Influence
from allometry.fits.objectives import robust_scale
from allometry.reports.curves import hover_texts, positions
from allometry.reports.style import ACCENT, LEGEND_ABOVE, MUTED, WARM, Array, framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINE_HEIGHT = 52
_LOG_FACTOR = 5.0
_USUAL = 2.0  # typical residuals to each side of zero: nearly all rows of a table without outliers lie within


def factor(effect: float) -> float:
    """A change as a factor of at least one, whichever way it goes.

    >>> factor(0.5), factor(2.0)
    (2.0, 2.0)
    """
    return max(effect, 1 / effect)


def deciding_rows(diagnosis: Diagnosis | None) -> tuple[int, ...]:
    """Rows of every finding: those that the simulated tables do not explain."""
    found = diagnosis.influence if diagnosis else ()
    return tuple(sorted({row for item in found if item.finding for row in item.rows}))


def in_scales(fit: Fit) -> Array:
    """Residuals (n,) in their own typical size, a robust standard deviation."""
    return np.asarray(fit.residuals / (robust_scale(fit.residuals) or 1.0))


def influence_figure(found: tuple[Influence, ...]) -> go.Figure:
    """One line a quantity: the effect as a diamond, the simulated effects as dots."""
    import plotly.graph_objects as go

    figure = go.Figure()
    names = [escape(item.quantity) for item in found]
    x = [factor(effect) for item in found for effect in item.expected]
    y = [name for name, item in zip(names, found, strict=True) for _ in item.expected]
    figure.add_scatter(x=x, y=y, mode="markers", name="simulated tables, nothing wrong",
                       marker={"color": MUTED, "size": 8, "opacity": 0.5}, hovertemplate="x%{x:.3f}<extra></extra>")  # fmt: skip
    for finding, name, colour in (
        (True, "your table: more than all of them", WARM),
        (False, "your table: no more than they", ACCENT),
    ):
        chosen = [(factor(item.effect), own) for item, own in zip(found, names, strict=True) if item.finding == finding]
        if chosen:
            figure.add_scatter(
                x=[effect for effect, _ in chosen], y=[own for _, own in chosen], mode="markers", name=name,
                marker={"symbol": "diamond", "color": colour, "size": 14}, hovertemplate="x%{x:.3f}<extra></extra>",
            )  # fmt: skip
    most = max(x + [factor(item.effect) for item in found])
    framed(figure, 180 + _LINE_HEIGHT * len(found))
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=72)
    figure.update_xaxes(
        title_text="factor of change, up or down, from leaving out at most 5% of the rows",
        type="log" if most > _LOG_FACTOR else "linear",
    )
    figure.update_yaxes(range=[len(found) - 0.5, -0.5])
    return figure


def deciding_figure(fit: Fit, numbers: tuple[int, ...]) -> go.Figure | None:
    """Residuals of all rows in the order of their size, the deciding rows named; None where none decides."""
    import plotly.graph_objects as go

    chosen = positions(fit, numbers)
    if not len(chosen):
        return None
    sizes = in_scales(fit)
    order = np.argsort(sizes, kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(1, len(order) + 1)
    others = np.setdiff1d(np.arange(len(order)), chosen)
    figure = go.Figure()
    figure.add_hrect(y0=-_USUAL, y1=_USUAL, fillcolor=MUTED, opacity=0.1, line_width=0, layer="below")
    for rows, name, marker in (
        (others, "other rows", {"color": MUTED, "size": 5, "opacity": 0.6}),
        (chosen, "rows that decide", {"color": WARM, "size": 9}),
    ):
        figure.add_scatter(
            x=rank[rows].tolist(), y=sizes[rows].tolist(), mode="markers", name=name, marker=marker,
            text=hover_texts(fit, rows), hovertemplate="%{text}<br>%{y:+.2f} typical residuals<extra></extra>",
        )  # fmt: skip
    framed(figure, 320)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=56)
    figure.update_xaxes(title_text="rows in the order of their residual")
    figure.update_yaxes(title_text="predicted − measured,<br>in typical residuals", zeroline=True, zerolinecolor=MUTED)
    return figure
