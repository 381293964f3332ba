"""A figure's panels on paper: one below another, or two in a line where they share their horizontal axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from allometry.reports.paper.look import (
    NAMED_LINE,
    NAMED_MORE,
    NAMED_ROOM,
    ONE_ROW,
    ROW,
    SMALL,
    TEXT,
    WIDTH,
    colour,
    wrapped,
)
from allometry.reports.paper.marks import draw_shape, draw_trace
from allometry.reports.paper.panels import Drawing, Panel, axis_title, located, names_at, plain
from allometry.reports.paper.scales import set_numbers, set_scale
from allometry.reports.style import LINE, MUTED

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAME_INCHES = 1.15  # of names beside rows
_MOST_X, _MOST_Y = 6, 6  # numbers along the axes of a panel of full width; half of a half


def draw(found: Drawing) -> Figure:
    """The matplotlib figure of a drawing; call it within the settings of `look`."""
    from matplotlib.figure import Figure

    columns = _columns(found)
    lines = -(-len(found.panels) // columns)
    figure = Figure(figsize=(WIDTH, _height(found, lines)), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharey=found.shared, sharex=columns > 1)
    keys: dict[str, Artist] = {}
    for axes, panel in zip(grid.flat, found.panels, strict=False):
        keys |= _draw_panel(axes, panel, WIDTH / columns)
    for place, (axes, panel) in enumerate(zip(grid.flat, found.panels, strict=False)):
        _finish(axes, panel, columns, last=place + columns >= len(found.panels))
    for axes in grid.flat[len(found.panels) :]:
        axes.remove()
    _add_titles(figure, grid, found, columns)
    if found.legend is not None and keys:
        _add_legend(figure, keys, plain(found.legend))
    return figure


def _columns(found: Drawing) -> int:
    """Panels of one horizontal axis are compared side by side; others have titles too long for that."""
    titles = {axis_title(panel.x) for panel in found.panels}
    return 2 if len(found.panels) > 1 and len(titles) == 1 else 1


def _height(found: Drawing, lines: int) -> float:
    names = [wrapped(name, _NAME_INCHES) for panel in found.panels for name in _names(panel).values()]
    if names:
        most = max(len(_names(panel)) for panel in found.panels)
        row = NAMED_LINE + NAMED_MORE * max(name.count("\n") for name in names)
        return lines * (NAMED_ROOM + row * most) + 0.3
    return ONE_ROW if lines == 1 and len(found.panels) == 1 else lines * ROW + 0.3


def _names(panel: Panel) -> dict[float, str]:
    return names_at(panel.y, [value for trace in panel.traces for value in trace.get("y", ())])


def _draw_panel(axes: Axes, panel: Panel, inches: float) -> dict[str, Artist]:
    """Everything on one pair of axes, and what of it the legend names."""
    places = located([value for trace in panel.traces for value in trace.get("y", ())])
    keys: dict[str, Artist] = {}
    for shape in panel.shapes:
        artist = draw_shape(axes, shape)
        if shape.get("showlegend"):
            keys[plain(shape["name"])] = artist
    for trace in panel.traces:
        artist = draw_trace(axes, trace, places)
        if trace.get("name") and trace.get("showlegend", True) and trace["type"] != "contour":
            keys.setdefault(plain(trace["name"]), artist)
    if panel.title:
        axes.set_title(wrapped(plain(panel.title), inches * 0.85), fontsize=SMALL)
    set_scale(axes, "x", panel.x)
    set_scale(axes, "y", panel.y)
    return keys


def _finish(axes: Axes, panel: Panel, columns: int, last: bool) -> None:
    """Numbers, titles and grid of one pair of axes, once shared ends are known."""
    set_numbers(axes, "x", panel.x, _MOST_X // columns + 1)
    names = _names(panel)
    if names:
        axes.set_yticks(list(names), [wrapped(name, _NAME_INCHES) for name in names.values()])
    else:
        set_numbers(axes, "y", panel.y, _MOST_Y)
    axes.tick_params(labelbottom=last or columns == 1)
    axes.grid(visible=True, color=LINE, linewidth=0.4)
    if panel.y.get("zeroline"):
        axes.axhline(0, color=colour(MUTED), linewidth=0.5, zorder=0.8)


def _add_titles(figure: Figure, grid: np.ndarray, found: Drawing, columns: int) -> None:
    """The axes' titles: one for all panels of a common axis."""
    across = [wrapped(axis_title(panel.x), WIDTH * 0.85) for panel in found.panels]
    upward = list(dict.fromkeys(filter(None, (axis_title(panel.y) for panel in found.panels))))
    if columns > 1:
        figure.supxlabel(across[0], fontsize=TEXT)
    else:
        for axes, title in zip(grid.flat, across, strict=False):
            axes.set_xlabel(title)
    for title in upward[:1]:
        high = figure.get_size_inches()[1]
        if len(found.panels) > 1:
            figure.supylabel(wrapped(title, high * 0.8), fontsize=TEXT)
        else:
            grid.flat[0].set_ylabel(wrapped(title, high * 0.65))


def _add_legend(figure: Figure, keys: dict[str, Artist], title: str) -> None:
    """The legend above the panels, in as many columns as the width holds."""
    names = [wrapped(name, WIDTH * 0.8) for name in keys]
    for columns in (4, 3, 2, 1):
        legend = figure.legend(
            list(keys.values()), names, loc="outside upper left", ncols=min(columns, len(keys)), title=title or None, frameon=False,
            handlelength=1.4, handletextpad=0.5, columnspacing=1.0, borderpad=0.1, labelspacing=0.3, alignment="left",
        )  # fmt: skip
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width * 0.97:
            return
        legend.remove()
