"""Forecasts one below another, each with both of its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from allometry.forecasts import CALIBRATED, FIT_NOISE, Forecast
from allometry.notices import Interval, Refused
from allometry.reports.numbers import shown
from allometry.reports.style import ACCENT, INK, LEGEND_ABOVE, faded, framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_DRAWN = 60
_LINE_HEIGHT = 36


def forecast_figure(found: Sequence[Forecast]) -> go.Figure:
    """One line a point; an interval that is not known is not drawn. Refused where there is no forecast."""
    import plotly.graph_objects as go

    if not found:
        raise Refused("nothing-to-plot", "there are no forecasts", "plot", "forecast at one point or more")
    kept = list(found[:MOST_DRAWN])
    figure = go.Figure()
    for name, colour, width, pick in (
        (CALIBRATED, faded(ACCENT, 0.3), 9, [each.calibrated for each in kept]),
        (FIT_NOISE, ACCENT, 3, [each.fit_noise for each in kept]),
    ):
        x, y = _strokes(pick)
        if x:
            figure.add_scatter(
                x=x, y=y, mode="lines", name=name, line={"color": colour, "width": width}, hoverinfo="skip"
            )
    figure.add_scatter(
        x=[each.result.value for each in kept], y=list(range(len(kept))), mode="markers", name="forecast",
        marker={"color": INK, "size": 8}, hovertemplate="%{x:.5g}<extra></extra>",
    )  # fmt: skip
    framed(figure, 150 + _LINE_HEIGHT * len(kept))
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=56)
    names = [escape(point_name(each)) for each in kept]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5])
    figure.update_xaxes(title_text=escape(kept[0].metric), range=_range(kept))
    return figure


def _range(found: Sequence[Forecast]) -> list[float] | None:
    """The ends of everything drawn, with room beside them, so that an interval is seen to end."""
    ends = [
        end
        for each in found
        for i in (each.result, each.fit_noise, each.calibrated)
        for end in (i.value, i.low, i.high)
        if end is not None
    ]
    if not ends:
        return None
    room = 0.05 * (max(ends) - min(ends)) or 0.05 * abs(ends[0]) or 1.0
    return [min(ends) - room, max(ends) + room]


def point_name(each: Forecast) -> str:
    """A point in words, and whether it is a new run's."""
    return ", ".join(f"{name} {shown(value, 3)}" for name, value in each.at.items()) + (
        ", one run" if each.of == "new-run" else ""
    )


def _strokes(found: Sequence[Interval]) -> tuple[list[float | None], list[float | None]]:
    """The known intervals as level strokes of one line."""
    known = [(i, each.low, each.high) for i, each in enumerate(found) if each.low is not None and each.high is not None]
    return [v for _, low, high in known for v in (low, high, None)], [v for i, *_ in known for v in (i, i, None)]
