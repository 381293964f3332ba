"""How far leaving out the found rows moves each quantity, beside what the same search does where nothing is wrong."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from allometry.fits import Influence
from allometry.reports.style import ACCENT, LEGEND_ABOVE, MUTED, WARM, framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINE_HEIGHT = 52
_LOG_FACTOR = 5.0


def factor(effect: float) -> float:
    """A change as a factor of at least one, whichever way it goes.

    >>> factor(0.5), factor(2.0)
    (2.0, 2.0)
    """
    return max(effect, 1 / effect)


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
