"""A plotly figure as panels of plain values: what both the drawing for paper and the table behind it are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Panel:
    """One pair of axes: their settings, and the traces and shapes on them, as plotly names them."""

    title: str
    x: Values
    y: Values
    traces: tuple[Values, ...]
    shapes: tuple[Values, ...]


@dataclass(frozen=True)
class Drawing:
    """The panels in reading order, the legend's title (None where the figure has no legend), and shared vertical scales."""

    panels: tuple[Panel, ...]
    legend: str | None
    shared: bool


def drawing(figure: go.Figure) -> Drawing:
    """What a figure holds; its texts are HTML and stay so here."""
    layout = figure.layout.to_plotly_json()
    traces = [trace.to_plotly_json() for trace in figure.data]
    names = [name.removeprefix("xaxis") for name in layout if name.startswith("xaxis")] or [""]
    titles = [note["text"] for note in layout.get("annotations", ())]
    panels = [
        _panel(number, titles[i] if i < len(titles) else "", layout, traces)
        for i, number in enumerate(sorted(names, key=lambda n: int(n or 1)))
    ]
    panels = [panel for panel in panels if panel.traces]  # a grid may have more places than panels
    has_legend = layout.get("showlegend", True)
    title = layout.get("legend", {}).get("title", {}).get("text", "") if has_legend else None
    return Drawing(tuple(panels), title, any("matches" in panel.y for panel in panels))


def _panel(number: str, title: str, layout: Values, traces: list[dict[str, Any]]) -> Panel:
    x, y = layout.get(f"xaxis{number}", {}), layout.get(f"yaxis{number}", {})
    own = tuple(trace for trace in traces if trace.get("xaxis", "x") == f"x{number}")
    places = (f"x{number}", f"x{number} domain")
    return Panel(title, x, y, own, tuple(s for s in layout.get("shapes", ()) if s.get("xref", "x") in places))


def plain(text: str) -> str:
    """A text without plotly's HTML.

    >>> plain("loss &amp; more,<br>in shares")
    'loss & more,\\nin shares'
    """
    return unescape(text.replace("<br>", "\n"))


def axis_title(axis: Values) -> str:
    return plain(axis.get("title", {}).get("text", "") or "")


def names_at(axis: Values, values: list[Any]) -> dict[float, str]:
    """Names that stand on an axis in the place of numbers: texts given as values, or as ticks of whole numbers."""
    if any(isinstance(value, str) for value in values):
        return {float(i): plain(name) for i, name in enumerate(dict.fromkeys(map(str, values)))}
    ticks = axis.get("tickvals", ())
    if axis.get("type") == "log" or not len(ticks):
        return {}
    return {float(at): plain(str(text)) for at, text in zip(ticks, axis["ticktext"], strict=True)}


def located(values: list[Any]) -> dict[str, float]:
    """The place of each text among the values of an axis, in the order of appearance."""
    return {str(name): float(i) for i, name in enumerate(dict.fromkeys(v for v in values if isinstance(v, str)))}
