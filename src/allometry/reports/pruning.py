"""Pruning in pictures: scores and where the cut lies, the theory's error by what is kept, and what trained runs did."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from allometry.data.pruning import Curve, Place, Pruned, student_error
from allometry.reports.figure_page import Part, write_figures_page
from allometry.reports.numbers import shown
from allometry.reports.style import INK, LEGEND_ABOVE, MUTED, Array, cut_short, faded, framed, law_colours, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

_BARS = 60
_TAIL = 0.001  # of the scores at either end that lie in the outermost bars
_SHARES = np.round(np.linspace(0.05, 1, 20), 2)  # kept, at which the theory is solved
_CUTS = (0.75, 0.5, 0.25)  # kept, that a page of scores marks
_SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up", "star")
_TOP, _LINE = 84, 14  # pixels above the plot for the legend; more of height for each curve beyond a first line of them
_SPREAD = 0.12  # of the logarithm of a size, over which curves stand apart
_SIDES = ("hardest", "easiest", "random")


def score_figure(scores: Array, kept: Pruned | None = None) -> go.Figure:
    """How the scores (rows,) are spread: examples that are kept below those left out, and where the cut lies.

    Without `kept` the cuts that would keep the hardest three quarters, half and quarter are marked.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    bars = _bars(scores)
    blue, orange = law_colours(2)
    if kept is None:
        _add_bars(figure, bars, bars.counts(scores), "examples", blue)
        cuts = {f"{share:.0%} harder": float(np.quantile(scores, 1 - share)) for share in _CUTS}
    else:
        own = bars.counts(scores[kept.rows])
        _add_bars(figure, bars, own, "kept", blue)
        _add_bars(figure, bars, bars.counts(scores) - own, "left out", faded(orange, 0.55))
        cuts = {f"cut at {shown(kept.threshold)}": kept.threshold}
    for i, (name, place) in enumerate(cuts.items()):
        figure.add_vline(x=bars.inside(place), line={"color": INK, "dash": "dash", "width": 1}, annotation_text=name,
                         annotation_y=1 - 0.07 * i, annotation_position="top left" if bars.right(place) else "top right")  # fmt: skip
    framed(figure, 380, legend=kept is not None)
    figure.update_layout(barmode="stack", bargap=0, legend=LEGEND_ABOVE, margin_t=_TOP)
    figure.update_xaxes(title_text="score: the higher, the harder", exponentformat="power", range=bars.ends)
    figure.update_yaxes(title_text="examples")
    return figure


def theory_figure(kept: Pruned, parameters: float) -> go.Figure:
    """The error of a perceptron with as many examples per parameter, over the fraction kept, by what is kept of the pool."""
    import plotly.graph_objects as go

    figure, each = go.Figure(), kept.height / parameters
    for side, colour in zip(_SIDES, law_colours(len(_SIDES)), strict=True):
        errors = [student_error(each, share, keep=cast(Any, side)).error for share in _SHARES.tolist()]
        figure.add_scatter(x=_SHARES.tolist(), y=errors, mode="lines", name=side,
                           line={"color": colour, "width": 2.2}, hovertemplate="%{x:.0%}: %{y:.3g}<extra></extra>")  # fmt: skip
    figure.add_vline(x=kept.fraction, line={"color": MUTED, "dash": "dash", "width": 1})
    framed(figure, 380)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=_TOP)
    figure.update_xaxes(title_text="fraction of the pool kept", tickformat=".0%", range=[0, 1.02])
    every = np.concatenate([line.y for line in figure.data])
    figure.update_yaxes(log_axis("error of the perceptron", every))
    return figure


def error_figure(curves: Sequence[Curve]) -> go.Figure:
    """Mean error over the number of examples kept, one line for each way of choosing them."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for curve, look in _looks(curves):
        figure.add_scatter(
            x=[place.examples for place in curve.places], y=[place.error for place in curve.places], mode="lines+markers",
            text=[f"{escape(curve.name)}, {place.runs} runs" for place in curve.places],
            hovertemplate="%{text}<br>%{x:.4s} examples: %{y:.4g}<extra></extra>", **look,
        )  # fmt: skip
    return _over_examples(figure, curves, log_axis("error, mean over runs", _every(curves, lambda place: place.error)))


def ratio_figure(curves: Sequence[Curve]) -> go.Figure:
    """Error over that of random at the same size, with the interval of each place; filled where it is told apart."""
    import plotly.graph_objects as go

    figure, judged = go.Figure(), [curve for curve, _ in _looks(curves) if _compared(curve)]
    for curve, look in _looks(curves):
        if (places := _compared(curve)) and curve in judged:
            colour, symbol = look["line"]["color"], look["marker"]["symbol"]
            look["marker"]["symbol"] = [
                symbol if place.ahead in ("metric", "random") else f"{symbol}-open" for place in places
            ]
            bars = {"error_y": _ends(places, colour)} if look.get("showlegend", True) else {}
            figure.add_scatter(
                x=[place.examples * _aside(judged, curve) for place in places], y=[place.ratio.value for place in places],
                mode="lines+markers", text=[f"{escape(curve.name)}, {_word(place)}" for place in places],
                hovertemplate="%{text}<br>%{y:.3f} of random's<extra></extra>", **bars, **look,
            )  # fmt: skip
    figure.add_hline(y=1, line={"color": INK, "width": 1})
    ends = [
        end
        for curve in judged
        for place in _compared(curve)
        for end in (place.ratio.value, place.ratio.low, place.ratio.high)
    ]
    scale = log_axis("error as a share of random's", np.array([1.0, *(end for end in ends if end is not None)]))
    return _over_examples(figure, curves, scale)


def write_score_page(scores: Array, metric: str, path: str | os.PathLike[str]) -> Path:
    """Write how the scores of a pool are spread as one page; `Refused` where the file cannot be written."""
    note = (
        f"{len(scores)} examples by {metric}. Dashed: the share of the examples that is harder than that score; "
        f"the outermost bars hold what lies beyond them."
    )
    return write_figures_page([Part(score_figure(scores), "", note)], "How hard the examples are", path)


def write_pruning_page(
    scores: Array,
    kept: Pruned,
    parameters: float | None,
    curves: Sequence[Curve],
    level: float,
    path: str | os.PathLike[str],
) -> Path:
    """Write what is kept, the theory where `parameters` are given, and the curves of trained runs where there are any.

    Errors: `Refused` where the file cannot be written.
    """
    floors = " Examples kept beyond the cut are kept for the floor of their class." if kept.classes else ""
    note = f"{len(kept.rows)} of {kept.height} examples are kept, the {kept.side}.{floors} The outermost bars hold what lies beyond them."
    parts = [Part(score_figure(scores, kept), "What is kept", note)]
    if parameters is not None:
        note = (
            f"Assumed, not measured: a perceptron with {shown(kept.height / parameters)} examples per parameter and a "
            "metric without fault (Sorscher et al. 2022). Dashed: the fraction kept here. That other models do alike is "
            "what trained runs have to show."
        )
        parts.append(Part(theory_figure(kept, parameters), "What the theory says", note))
    if curves:
        few = (
            ""
            if len(curves) <= len(_SYMBOLS)
            else f" Grey: others than the {len(_SYMBOLS) - 1} least like random; their names show on hover."
        )
        note = f"Error on the same test set, by how many examples were kept.{few}"
        parts.append(Part(error_figure(curves), "What trained runs did", note))
        note = (
            f"Below 1 the metric is better. Bars: {level:.0%} intervals, each for its own place. Filled: told apart from "
            "random over all places of the table together (Holm); hollow: not. Metrics stand a little apart to be seen."
        )
        parts.append(Part(ratio_figure(curves), "Against random", note))
    return write_figures_page(parts, "Which examples to keep", path)


class _Bars(NamedTuple):
    """Bars of one width over nearly all scores."""

    edges: Array

    @property
    def ends(self) -> list[float]:
        return [float(self.edges[0]), float(self.edges[-1])]

    def counts(self, scores: Array) -> NDArray[np.int64]:
        return np.histogram(np.clip(scores, self.edges[0], self.edges[-1]), self.edges)[0]

    def inside(self, place: float) -> float:
        return float(np.clip(place, self.edges[0], self.edges[-1]))

    def right(self, place: float) -> bool:
        return bool(self.inside(place) > np.mean(self.ends))


def _bars(scores: Array) -> _Bars:
    low, high = np.quantile(scores, [_TAIL, 1 - _TAIL])
    few = np.unique(scores[: 10 * _BARS])  # counts, as of forgetting, get a bar each
    if np.array_equal(few, np.round(few)) and high - low < _BARS:
        return _Bars(np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.5))
    room = (high - low) or 1.0
    return _Bars(np.linspace(low, low + room, _BARS + 1))


def _add_bars(figure: go.Figure, bars: _Bars, counts: NDArray[np.int64], name: str, colour: str) -> None:
    middle, width = (bars.edges[1:] + bars.edges[:-1]) / 2, float(bars.edges[1] - bars.edges[0])
    figure.add_bar(x=middle.tolist(), y=counts.tolist(), width=width, name=name, marker={"color": colour, "line": {"width": 0}},
                   hovertemplate="%{x:.4g}: %{y} " + name + "<extra></extra>")  # fmt: skip


def _looks(curves: Sequence[Curve]) -> list[tuple[Curve, dict[str, Any]]]:
    """Each curve with its name, colour and mark; of more than there are colours, those least like random stand out."""
    shown = sorted(curves, key=_chance)[: len(_SYMBOLS)]
    every = dict(zip((curve.name for curve in curves if curve in shown), law_colours(len(shown)), strict=True))
    return [(curve, _look(curve, every.get(curve.name), list(every))) for curve in curves]


def _look(curve: Curve, colour: str | None, named: list[str]) -> dict[str, Any]:
    if colour is None:
        grey = faded("rgb(123,135,148)", 0.5)
        look = {"name": "others", "legendgroup": "others", "showlegend": False, "opacity": 0.6}
        return look | {"line": {"color": grey, "width": 1}, "marker": {"color": grey, "size": 5, "symbol": "circle"}}
    mark = {"color": colour, "size": 8, "symbol": _SYMBOLS[named.index(curve.name)]}
    return {"name": escape(cut_short(curve.name)), "line": {"color": colour, "width": 2}, "marker": mark}


def _chance(curve: Curve) -> float:
    """The least chance of any place of a curve, of random none: what it is sorted by."""
    least = min((place.chance for place in curve.places if place.chance is not None), default=1.0)
    return least if any(place.ahead for place in curve.places) else -1.0


def _compared(curve: Curve) -> list[Place]:
    return [place for place in curve.places if place.ahead]


def _aside(curves: Sequence[Curve], curve: Curve) -> float:
    """A factor near 1, so that bars at one size do not hide each other."""
    return float(np.exp(_SPREAD * (curves.index(curve) / max(len(curves) - 1, 1) - 0.5)))


def _word(place: Place) -> str:
    said = {"metric": "the metric is ahead", "random": "random is ahead"}.get(place.ahead, place.ahead)
    return f"{shown(place.examples)} examples, {said}"


def _ends(places: Sequence[Place], colour: str) -> dict[str, Any]:
    ups = [(place.ratio.high or 0.0) - (place.ratio.value or 0.0) for place in places]
    downs = [(place.ratio.value or 0.0) - (place.ratio.low or 0.0) for place in places]
    return {"type": "data", "array": ups, "arrayminus": downs, "color": colour, "thickness": 1, "width": 3}


def _every(curves: Sequence[Curve], of: Any) -> Array:
    return np.array([of(place) for curve in curves for place in curve.places], dtype=np.float64)


def _over_examples(figure: go.Figure, curves: Sequence[Curve], scale: dict[str, Any]) -> go.Figure:
    more = _LINE * min(max(0, len(curves) - 3), len(_SYMBOLS))
    framed(figure, 420 + more)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=_TOP + more)
    figure.update_xaxes(log_axis("examples kept", _every(curves, lambda place: place.examples)))
    figure.update_yaxes(scale)
    return figure
