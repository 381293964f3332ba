"""Each kind of trace and shape as matplotlib draws it; the artist is returned for the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from allometry.reports.paper.look import POINTS, SMALL, colour
from allometry.reports.paper.panels import Values
from allometry.reports.style import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_SYMBOLS = {
    "circle": "o", "circle-open": "o", "square": "s", "diamond": "D", "triangle-up": "^", "cross": "P", "star": "*", "line-ew": "_",
}  # fmt: skip
_SIZES = {"star": 1.4, "diamond": 0.75}  # matplotlib draws the one small and the other large
_DASHES = {"dot": (0, (1, 2)), "dash": (0, (4, 2))}
_LABELLED = 3  # one contour of so many has its number: all would cover the map


def draw_trace(axes: Axes, trace: Values, places: dict[str, float]) -> Artist:
    """Draw one trace; `places` are where texts stand on the vertical axis."""
    if trace["type"] == "contour":
        return _contours(axes, trace)
    y = [places.get(value, value) if isinstance(value, str) else value for value in trace["y"]]
    if trace["type"] == "bar":
        return axes.barh(y, trace["x"], height=0.45, color=colour(trace["marker"]["color"]))[0]
    x = np.array(trace["x"], dtype=float)
    if trace.get("fill") == "toself":
        return _area(axes, x, np.array(y, dtype=float), trace)
    return _points(axes, x, np.array(y, dtype=float), trace)


def _area(axes: Axes, x: np.ndarray, y: np.ndarray, trace: Values) -> Artist:
    """Outlines with gaps between them, filled and without a line."""
    face = colour(trace["fillcolor"])
    gaps = np.flatnonzero(np.isnan(x))
    parts = zip(np.split(x, gaps), np.split(y, gaps), strict=True)
    kept = [(a[np.isfinite(a)], b[np.isfinite(a)]) for a, b in parts if np.isfinite(a).any()]
    return [axes.fill(a, b, facecolor=face, linewidth=0)[0] for a, b in kept or [(x[:0], y[:0])]][-1]


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, trace: Values) -> Artist:
    how: dict[str, Any] = {"linestyle": "none"}
    if "lines" in trace["mode"]:
        line = trace["line"]
        how = {"color": colour(line["color"]), "linewidth": POINTS * line["width"] * 1.2}
        how |= {"linestyle": _DASHES[line["dash"]]} if line.get("dash") in _DASHES else {}
    if "markers" in trace["mode"]:
        how |= _marker(trace.get("marker", {}), trace.get("line", {}).get("color"))
    bars = trace.get("error_x")
    if bars:
        ends = np.array([bars["arrayminus"], bars["array"]])
        axes.errorbar(x, y, xerr=ends, fmt="none", ecolor=colour(bars["color"]), elinewidth=1.0)
    return axes.plot(x, y, **how)[0]


def _marker(marker: Values, line: str | None) -> dict[str, Any]:
    symbol, opacity = marker.get("symbol", "circle"), marker.get("opacity", 1.0)
    edge = marker.get("line", {})
    body = colour(marker.get("color") or line or edge["color"], opacity)
    open_or_stroke = symbol in ("circle-open", "line-ew")
    return {
        "marker": _SYMBOLS[symbol], "markersize": POINTS * _SIZES.get(symbol, 1.0) * marker.get("size", 6),
        "markerfacecolor": "none" if symbol == "circle-open" else body,
        "markeredgecolor": (colour(edge["color"]) if symbol == "line-ew" else body) if open_or_stroke else colour(edge.get("color", "#ffffff")),
        "markeredgewidth": 0.8 if open_or_stroke else 0.25,
    }  # fmt: skip


def _contours(axes: Axes, trace: Values) -> Artist:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Patch

    spec = trace["contours"]
    levels = np.arange(spec["start"], spec["end"] + spec["size"] / 2, spec["size"])
    scale = LinearSegmentedColormap.from_list("page", [(at, colour(text)) for at, text in trace["colorscale"]])
    z = np.ma.masked_invalid(np.array(trace["z"], dtype=float))
    axes.contourf(trace["x"], trace["y"], z, levels, cmap=scale, extend="both")
    lines = axes.contour(trace["x"], trace["y"], z, levels, colors=[colour(trace["line"]["color"])], linewidths=0.5)
    axes.clabel(lines, levels[::_LABELLED], fontsize=SMALL - 0.5, colors=INK, fmt=lambda value: f"{value:.4g}")
    return Patch()


def draw_shape(axes: Axes, shape: Values) -> Artist:
    """A shaded region, or a straight line for the eye."""
    across = "domain" in shape["xref"]
    if shape["type"] == "rect":
        span = axes.axhspan if across else axes.axvspan
        ends = (shape["y0"], shape["y1"]) if across else (shape["x0"], shape["x1"])
        face = colour(shape["fillcolor"], shape.get("opacity", 1.0))
        return span(*ends, color=face, linewidth=0, zorder=0.5)
    line = shape.get("line", {})
    how: dict[str, Any] = {
        "color": colour(line.get("color", MUTED)),
        "linewidth": POINTS * line.get("width", 1),
        "zorder": 0.8,
    }
    how |= {"linestyle": _DASHES[line["dash"]]} if line.get("dash") in _DASHES else {}
    return axes.axhline(shape["y0"], **how) if across else axes.axvline(shape["x0"], **how)
