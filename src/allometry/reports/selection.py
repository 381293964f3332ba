"""Sources in a picture: the nearest shares, the distances they are held against, and what trained mixtures say of them."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allometry.data.selection import Chosen, Trained
from allometry.notices import Interval
from allometry.reports.figure_page import Part, write_figures_page
from allometry.reports.numbers import shown
from allometry.reports.style import ACCENT, INK, LEGEND_ABOVE, WARM, cut_short, framed, palette

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINE, _FRAME = 34, 130  # pixels of a bar, and of what is around them
_PLACES = 33


def share_figure(found: Chosen) -> go.Figure:
    """The share of each source in the nearest mixture with its interval."""
    shares = found.selection.shares
    figure = _bars([cut_short(name) for name in shares], list(shares.values()), ".1%")
    figure.update_xaxes(title_text="share of the mixture", tickformat=".0%", range=[0, 1.02])
    return figure


def distance_figure(found: Chosen) -> go.Figure:
    """The distance to the target of the nearest mixture and of those it is held against."""
    told = [Interval(distance) for distance in found.distances.values()]
    told[0] = found.selection.distance
    figure = _bars([cut_short(name) for name in found.distances], told, ".4g")
    figure.update_xaxes(title_text="distance to the target by optimal transport", rangemode="tozero")
    return figure


def accuracy_figure(found: Chosen, trained: Trained) -> go.Figure:
    """Accuracy of the trained mixtures over their distance, the law at each size, and what it says of the others."""
    import plotly.graph_objects as go

    figure, columns = go.Figure(), trained.columns
    every = np.concatenate([columns["transport_distance"], list(found.distances.values())])
    places = np.linspace(every.min(), every.max(), _PLACES)
    sizes = np.unique(columns["examples"])
    for size, colour in zip(sizes, palette(len(sizes)), strict=True):
        own, name = columns["examples"] == size, f"{shown(float(size))} examples"
        figure.add_scatter(x=columns["transport_distance"][own].tolist(), y=columns["accuracy"][own].tolist(), mode="markers",
                           name=name, legendgroup=name, marker={"color": colour, "size": 8},
                           hovertemplate="%{x:.4g}: %{y:.3f}<extra></extra>")  # fmt: skip
        figure.add_scatter(x=places.tolist(), y=_along(trained, float(size), places), mode="lines", legendgroup=name, showlegend=False,
                           line={"color": colour, "width": 1.5}, hoverinfo="skip")  # fmt: skip
    for size, symbol in zip(dict.fromkeys(one.examples for one in found.projected), _symbols(), strict=False):
        told = [one for one in found.projected if one.examples == size]
        figure.add_scatter(
            x=[one.distance for one in told], y=[one.accuracy.value for one in told], mode="markers", name=f"projected to {shown(size)}",
            marker={"color": WARM, "size": 9, "symbol": symbol}, error_y=_ends([one.accuracy for one in told]),
            text=[escape(one.mixture) for one in told], hovertemplate="%{text}: %{y:.3f}<extra></extra>",
        )  # fmt: skip
    framed(figure, 460)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=100)
    figure.update_xaxes(title_text="distance to the target by optimal transport")
    figure.update_yaxes(title_text="accuracy")
    return figure


def write_selection_page(found: Chosen, path: str | os.PathLike[str]) -> Path:
    """Write the figures as one page that opens without a network; `Refused` where the file cannot be written."""
    ends = f"Bars of error: {found.level:.0%} intervals over resampled samples." if found.interval != "none" else ""
    parts = [
        Part(share_figure(found), "Shares of the nearest mixture", ends),
        Part(distance_figure(found), "How far from the target", "Nearness is not accuracy: train the nearest mixture beside even shares and single sources."),
    ]  # fmt: skip
    if found.trained is not None:
        note = (f"Points: trained mixtures; lines: the law at their sizes; open marks: its projections with {found.level:.0%} intervals. "
                "Where the points do not fall along the lines, distance does not tell accuracy.")  # fmt: skip
        parts.append(Part(accuracy_figure(found, found.trained), "What a distance was worth", note))
    return write_figures_page(parts, "Which sources", path, [notice.message for notice in found.notices])


def _bars(names: list[str], told: list[Interval], shape: str) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_bar(y=[escape(name) for name in names], x=[one.value for one in told], orientation="h", marker_color=ACCENT,
                   error_x=_ends(told), hovertemplate=f"%{{y}}: %{{x:{shape}}}<extra></extra>")  # fmt: skip
    framed(figure, _FRAME + _LINE * len(names), legend=False)
    figure.update_yaxes(autorange="reversed")
    return figure


def _ends(told: list[Interval]) -> dict[str, Any]:
    def far(one: Interval, end: float | None) -> float | None:
        return None if end is None or one.value is None else abs(end - one.value)

    return {"type": "data", "array": [far(one, one.high) for one in told], "arrayminus": [far(one, one.low) for one in told],
            "color": INK, "thickness": 1, "width": 4}  # fmt: skip


def _along(trained: Trained, size: float, places: np.ndarray) -> list[float]:
    found: list[float] = trained.projection.fit.predict({"examples": size, "transport_distance": places}).tolist()
    return found


def _symbols() -> tuple[str, ...]:
    return ("diamond-open", "square-open", "star-open", "circle-open")
