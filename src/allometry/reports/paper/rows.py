"""The table behind a figure: every point, line, band and interval that is drawn, with full digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from allometry.reports.paper.panels import Drawing, Panel, Values, axis_title, names_at, plain

COLUMNS = (
    "panel", "series", "kind", "x_axis", "x", "x_low", "x_high", "y_axis", "y", "y_low", "y_high", "value",
)  # fmt: skip


def figure_csv(found: Drawing) -> str:
    """One line a drawn thing; columns that a figure has no use for are left out."""
    rows = [row for panel in found.panels for row in _panel_rows(panel)]
    used = [name for name in COLUMNS if any(row.get(name, "") != "" for row in rows)]
    text = io.StringIO()
    writer = csv.DictWriter(text, used, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def folded(trace: Values) -> tuple[list[float], list[float], list[float]] | None:
    """A band's places, lower and upper ends, where an outline runs out along one and back along the other."""
    x, y, half = list(trace["x"]), list(trace["y"]), len(trace["x"]) // 2
    if not half or None in x or x[:half] != x[half:][::-1]:
        return None
    return x[:half], y[:half], y[half:][::-1]


def strokes(trace: Values) -> list[dict[str, Any]]:
    """Intervals drawn as strokes of one line with gaps between them, upright or level: the place, and both ends."""
    x, y = list(trace["x"]), list(trace["y"])
    if trace["mode"] != "lines" or None not in x or {*x[2::3], *y[2::3]} != {None}:
        return []
    for along, across, names in ((x, y, ("x", "y_low", "y_high")), (y, x, ("y", "x_low", "x_high"))):
        if along[0::3] == along[1::3]:
            return [
                dict(zip(names, ends, strict=True))
                for ends in zip(along[0::3], across[0::3], across[1::3], strict=True)
            ]
    return []


def _panel_rows(panel: Panel) -> Iterator[dict[str, Any]]:
    named = {"panel": plain(panel.title).replace("\n", " ")}
    named |= {f"{name}_axis": _title(axis) for name, axis in (("x", panel.x), ("y", panel.y))}
    names = names_at(panel.y, [value for trace in panel.traces for value in trace.get("y", ())])
    for trace in panel.traces:
        series = {**named, "series": plain(trace.get("name", ""))}
        for row in _trace_rows(trace):
            yield {key: _cell(value) for key, value in {**series, **row, "y": _named(row.get("y", ""), names)}.items()}
    for shape in panel.shapes:
        yield from ({**named, **row} for row in _span_rows(shape))


def _title(axis: Values) -> str:
    """What the numbers of an axis are, with the unit that the page writes beside each of them."""
    title, unit = axis_title(axis).replace("\n", " "), str(axis.get("ticksuffix", ""))
    return f"{title} ({unit})" if title and unit else title


def _named(value: Any, names: dict[float, str]) -> Any:
    return plain(value) if isinstance(value, str) else names.get(value, value)


def _cell(value: Any) -> Any:
    """Nothing where a number is none."""
    return "" if value is None or value != value else value


def _trace_rows(trace: Values) -> Iterator[dict[str, Any]]:
    match trace["type"]:
        case "contour":
            for y, line in zip(trace["y"], trace["z"], strict=True):
                yield from (
                    {"kind": "contour", "x": x, "y": y, "value": z} for x, z in zip(trace["x"], line, strict=True)
                )
        case "bar":
            yield from ({"kind": "bar", "x": x, "y": y} for x, y in zip(trace["x"], trace["y"], strict=True))
        case _ if trace.get("fill") == "toself":
            yield from _area_rows(trace)
        case _:
            yield from _point_rows(trace)


def _area_rows(trace: Values) -> Iterator[dict[str, Any]]:
    band = folded(trace)
    if band is None:
        yield from ({"kind": "outline", "x": x, "y": y} for x, y in _known(trace))
        return
    for x, low, high in zip(*band, strict=True):
        yield {"kind": "band", "x": x, "y_low": low, "y_high": high}


def _point_rows(trace: Values) -> Iterator[dict[str, Any]]:
    intervals = strokes(trace)
    if intervals:
        yield from ({"kind": "interval", **ends} for ends in intervals)
        return
    kind = "line" if "lines" in trace["mode"] else "point"
    bars = trace.get("error_x")
    for i, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=True)):
        if x is None or y is None:
            continue
        ends = {"x_low": x - bars["arrayminus"][i], "x_high": x + bars["array"][i]} if bars else {}
        yield {"kind": kind, "x": x, "y": y, **ends}


def _known(trace: Values) -> Iterator[tuple[Any, Any]]:
    pairs = zip(trace["x"], trace["y"], strict=True)
    return ((x, y) for x, y in pairs if x is not None and y is not None)


def _span_rows(shape: Values) -> Iterator[dict[str, Any]]:
    """A shaded region; straight lines for the eye are no data."""
    if shape["type"] == "rect":
        across = "domain" not in shape["xref"]
        low, high = (shape["x0"], shape["x1"]) if across else (shape["y0"], shape["y1"])
        name = "x" if across else "y"
        yield {"series": plain(shape.get("name") or ""), "kind": "region", f"{name}_low": low, f"{name}_high": high}
