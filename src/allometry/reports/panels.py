"""A grid of small figures with one legend above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from allometry.reports.style import framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_COLUMNS = 3
_ROW_HEIGHT, _TOP, _BOTTOM = 320, 84, 56
_ONE_HEIGHT = 420
_SMALL_TICKS = 11  # ends of neighbouring panels' axes would touch
_LEGEND_GAP = 34  # pixels between the panels and the legend, where the panels' titles stand


def panels(titles: Sequence[str]) -> tuple[go.Figure, list[dict[str, int]]]:
    """An empty grid of so many panels with a common vertical axis, and the place of each; titles are escaped already."""
    from plotly.subplots import make_subplots

    columns = _columns(len(titles))
    lines = -(-len(titles) // columns)
    height = _TOP + _BOTTOM + (_ONE_HEIGHT - _TOP if lines == columns == 1 else _ROW_HEIGHT * lines)
    inner = height - _TOP - _BOTTOM
    figure = make_subplots(
        rows=lines, cols=columns, subplot_titles=list(titles), shared_yaxes="all", horizontal_spacing=0.04,
        vertical_spacing=0 if lines == 1 else 88 / inner,
    )  # fmt: skip
    framed(figure, height)
    figure.update_annotations(font_size=13)
    if columns > 1:
        figure.update_xaxes(tickfont_size=_SMALL_TICKS)
    legend: dict[str, Any] = {"orientation": "h", "x": 0, "y": 1 + _LEGEND_GAP / inner, "yanchor": "bottom"}
    figure.update_layout(margin={"t": _TOP, "b": _BOTTOM}, legend=legend)
    return figure, [{"row": i // columns + 1, "col": i % columns + 1} for i in range(len(titles))]


def _columns(count: int) -> int:
    """Two by two for four panels, else up to three in a line."""
    return 2 if count == 4 else min(count, MOST_COLUMNS)
