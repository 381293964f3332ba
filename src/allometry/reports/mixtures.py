"""What each share of a mixture costs: the excess over the least loss, the other shares following."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from allometry.data.mixtures import Mixture
from allometry.reports.figure_page import write_figure_page
from allometry.reports.style import LEGEND_ABOVE, MUTED, cut_short, framed, law_colours

if TYPE_CHECKING:
    import plotly.graph_objects as go

_ROOM = 3.0  # times the widest region that the figure shows of the excess


def mixture_figure(found: Mixture) -> go.Figure:
    """One curve a domain of the excess loss over its share; stars are the best mixture, bars its intervals."""
    import plotly.graph_objects as go

    figure = go.Figure()
    best = found.loss.value or 1.0
    colours = law_colours(len(found.domains))
    for i, (one, colour) in enumerate(zip(found.profiles, colours, strict=True)):
        name = escape(cut_short(one.domain))
        figure.add_scatter(x=one.share.tolist(), y=(one.loss / best - 1).tolist(), mode="lines", name=name, legendgroup=name,
                           line={"color": colour, "width": 2.2}, hovertemplate="%{x:.3f}: %{y:.2%}<extra></extra>")  # fmt: skip
        told, limits = found.shares[one.domain], found.tried[one.domain]
        low, high = (limit if end is None else end for end, limit in zip((told.low, told.high), limits, strict=True))
        figure.add_scatter(x=[low, high], y=[-0.0003 * (i + 1)] * 2, mode="lines", line={"color": colour, "width": 5},
                           legendgroup=name, showlegend=False, hovertemplate="%{x:.3f}<extra></extra>")  # fmt: skip
        figure.add_scatter(x=[told.value], y=[0], mode="markers", marker={"symbol": "star", "size": 13, "color": colour},
                           legendgroup=name, showlegend=False, hoverinfo="skip")  # fmt: skip
    for region in found.near:
        figure.add_hline(
            y=region.within,
            line={"color": MUTED, "dash": "dash", "width": 1},
            annotation_text=f"within {region.within:.1%}",
        )
    top = max(_ROOM * max(region.within for region in found.near), 1e-4)
    framed(figure, 460)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=72)
    figure.update_xaxes(title_text="share of the mixture, the others following", tickformat=".0%")
    figure.update_yaxes(
        title_text="loss above the least", tickformat=".2~%", range=[-0.0004 * (len(found.domains) + 1), top]
    )
    return figure


def write_mixture_page(found: Mixture, path: str | os.PathLike[str]) -> Path:
    """Write the figure as one page that opens without a network; `Refused` where the file cannot be written."""
    note = (
        "Each curve is the least weighted loss at a share of that domain. Stars: the best mixture. Thick lines below: "
        f"{found.level:.0%} intervals of its shares, drawn to the edge of what was tried where they are open."
    )
    return write_figure_page(mixture_figure(found), "What each share costs", note, path)
