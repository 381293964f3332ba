"""Ladders of the lab in pictures: learning curves, fronts, and recipes against the first at equal FLOPs."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allometry.lab.ladders.comparing import Front, Shown, diverged_line, measured_gaps
from allometry.reports.figure_page import Part, write_figures_page
from allometry.reports.numbers import shown as number
from allometry.reports.style import LEGEND_ABOVE, MUTED, cut_short, faded, framed, law_colours, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SAYS = {
    "curves": ("Learning curves", "Held-out loss of every run as its FLOPs are spent."),
    "front": ("Ladder front", "Each point is a shape and a budget, its seeds averaged; the line joins those that lose less than "
              "every cheaper one."),
    "against": ("At equal FLOPs", "Loss minus that of the baseline: points are measured, the best of either where both have the same FLOPs, lines by a law "
                "fitted to either, shaded the {level:.0%} interval over rungs. Below zero the recipe is better."),
}  # fmt: skip


def ladder_figures(found: Shown) -> dict[str, go.Figure]:
    """The figures that the ladders give: `curves`, `front`, and `against` where recipes are compared."""
    colours = dict(zip([front.recipe for front in found.fronts], law_colours(len(found.fronts)), strict=True))
    figures = {"curves": curve_figure(found, colours), "front": front_figure(found, colours)}
    return figures | ({"against": against_figure(found, colours)} if found.against else {})


def curve_figure(found: Shown, colours: dict[str, str]) -> go.Figure:
    """Loss over FLOPs of each run, one line a run."""
    import plotly.graph_objects as go

    figure, told = go.Figure(), set[str]()
    for run in found.rows.drop_nulls("loss").sort("step").partition_by("run_id", maintain_order=True):
        recipe = str(run[found.by][0])
        if recipe not in colours:
            continue
        name = escape(cut_short(recipe))
        figure.add_scatter(
            x=run["flops"].to_list(), y=run["loss"].to_list(), mode="lines+markers", name=name, legendgroup=name,
            showlegend=recipe not in told, line={"color": faded(colours[recipe], 0.55), "width": 1.2}, marker={"size": 4},
            text=[escape(str(run["run_id"][0]))] * len(run), hovertemplate="%{text}<br>%{x:.3s} FLOPs, %{y:.4g}<extra></extra>",
        )  # fmt: skip
        told.add(recipe)
    return _framed(figure, found.rows["flops"].to_numpy(), f"loss ({found.unit})", len(found.fronts))


def front_figure(found: Shown, colours: dict[str, str]) -> go.Figure:
    """Loss over FLOPs at the ends of runs, with the lower envelope of each recipe."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for front in found.fronts:
        name, colour, best = (
            escape(cut_short(front.recipe)),
            colours[front.recipe],
            [p for p in front.points if p.front],
        )
        figure.add_scatter(
            x=[p.flops for p in front.points], y=[p.loss for p in front.points], mode="markers", name=name, legendgroup=name,
            showlegend=False, marker={"color": faded(colour, 0.55), "size": 7}, hovertemplate="%{text}<extra></extra>",
            text=[f"{number(p.params, 3)} parameters, {p.runs} runs: {p.loss:.4g}" for p in front.points],
        )  # fmt: skip
        figure.add_scatter(
            x=[p.flops for p in best], y=[p.loss for p in best], mode="lines", name=name, legendgroup=name,
            line={"color": colour, "width": 2.2}, hoverinfo="skip",
        )  # fmt: skip
    return _framed(figure, _flops(found.fronts), f"loss ({found.unit})", len(found.fronts))


def against_figure(shown: Shown, colours: dict[str, str]) -> go.Figure:
    """The difference to the baseline over FLOPs, measured and by fit with its interval."""
    import plotly.graph_objects as go

    figure, fronts = go.Figure(), {front.recipe: front for front in shown.fronts}
    for found in shown.against:
        recipe, gaps = found.names[1], [gap for gap in found.gaps if gap.difference.value is not None]
        name, places = escape(cut_short(recipe)), [gap.place for gap in gaps]
        if gaps and all(gap.difference.low is not None for gap in gaps):
            ends = [gap.difference.high for gap in gaps] + [gap.difference.low for gap in gaps][::-1]
            figure.add_scatter(
                x=places + places[::-1], y=ends, fill="toself", mode="lines", line_width=0, fillcolor=faded(colours[recipe], 0.15),
                legendgroup=name, showlegend=False, hoverinfo="skip",
            )  # fmt: skip
        figure.add_scatter(
            x=places, y=[gap.difference.value for gap in gaps], mode="lines", name=name, legendgroup=name,
            line={"color": colours[recipe], "width": 2.2}, hovertemplate="%{x:.3s} FLOPs: %{y:.3g}<extra></extra>",
        )  # fmt: skip
        measured = measured_gaps(fronts[found.names[0]], fronts[recipe])
        figure.add_scatter(
            x=[flops for flops, _ in measured], y=[gap for _, gap in measured], mode="markers", name=name, legendgroup=name,
            showlegend=False, marker={"color": colours[recipe], "size": 6}, hovertemplate="measured: %{y:.3g}<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=0, line={"color": MUTED, "width": 1, "dash": "dot"})
    drawn = np.array([gap.place for found in shown.against for gap in found.gaps])
    return _framed(figure, drawn, f"loss minus that of {escape(cut_short(shown.fronts[0].recipe))}", len(shown.fronts))


def write_ladder_page(found: Shown, path: str | os.PathLike[str], title: str) -> Path:
    """Write the figures as one page that opens without a network; `Refused` where the file cannot be written."""
    level = found.against[0].level if found.against else 0.0
    says = {name: (head, note.format(level=level)) for name, (head, note) in _SAYS.items()}
    parts = [Part(figure, *says[name]) for name, figure in ladder_figures(found).items()]
    return write_figures_page(parts, title, path, [*_told(found), *found.apart])


def _told(found: Shown) -> list[str]:
    """Runs that diverged, the verdict on each recipe and what is to be said of it."""
    notices = {notice.message: None for arm in found.against for notice in arm.notices}
    lost = diverged_line(found.fronts)
    return [*([lost] if lost else []), *(arm.verdict for arm in found.against), *notices]


def _framed(figure: go.Figure, flops: np.ndarray, title: str, recipes: int) -> go.Figure:
    framed(figure, 460, legend=recipes > 1)
    figure.update_xaxes(log_axis("FLOPs", flops.astype(float)))
    figure.update_yaxes(title_text=title)
    if recipes > 1:
        figure.update_layout(legend=LEGEND_ABOVE, margin_t=64)
    return figure


def _flops(fronts: tuple[Front, ...]) -> np.ndarray:
    return np.array([point.flops for front in fronts for point in front.points])
