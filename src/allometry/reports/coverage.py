"""Coverage against samples: what was drawn, how it goes on, and the interval."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allometry.forecasts import Coverage
from allometry.reports.figure_page import write_figure_page
from allometry.reports.style import LEGEND_ABOVE, cut_short, framed, law_colours, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

_POINTS = 24


def coverage_figure(groups: Mapping[str, Coverage], most: float = 0) -> go.Figure:
    """Pass@k over k up to `most` (at least ten times the samples drawn): whole line drawn, dashed beyond, interval shaded."""
    import plotly.graph_objects as go

    figure = go.Figure()
    far = max(most, *(10 * float(one.trials.max()) for one in groups.values()))
    for (name, held), colour in zip(groups.items(), law_colours(len(groups)), strict=True):
        seen = 1.0 if held.stopped else float(held.trials.min())
        inside = np.unique(np.geomspace(1, seen, _POINTS).round())
        beyond = np.geomspace(seen, far, _POINTS)[1:]
        told = [held.pass_at(float(k)) for k in (*inside, *beyond)]
        samples, label = [*inside, *beyond], escape(cut_short(name)) or "pass@k"
        ends = [[one.high for one in told], [one.low for one in told]]
        figure.add_scatter(
            x=[*samples, *samples[::-1]], y=[*ends[0], *ends[1][::-1]], fill="toself", mode="lines", line_width=0,
            fillcolor=colour.replace("rgb", "rgba").replace(")", ",0.12)"), legendgroup=label, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        values = [one.value for one in told]
        for start, stop, dash in ((0, len(inside), "solid"), (len(inside) - 1, len(samples), "dash")):
            figure.add_scatter(
                x=samples[start:stop], y=values[start:stop], mode="lines", name=label, legendgroup=label,
                line={"color": colour, "dash": dash}, showlegend=dash == "solid",
            )  # fmt: skip
    framed(figure, 520)
    figure.update_xaxes(log_axis("samples of each problem", np.array([1.0, far])))
    figure.update_yaxes(title_text="share of problems solved", tickformat=".0%", range=[0, 1.02])
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=80)
    return figure


def write_coverage_page(groups: Mapping[str, Coverage], path: str | os.PathLike[str], most: float = 0) -> Path:
    """Write the figure as one page that opens without a network; `Refused` where the file cannot be written."""
    note = "Solid: measured. Dashed: continued beyond the samples. Shaded: what the counts do not exclude."
    return write_figure_page(coverage_figure(groups, most), "Coverage", note, path)
