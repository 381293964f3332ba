"""The look that all figures share, and what makes names from tables safe inside them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.notices import Interval
from allometry.reports.numbers import shown
from allometry.runs.conventions import NOT_STATED

if TYPE_CHECKING:
    import plotly.graph_objects as go

Array = NDArray[np.float64]

INK, MUTED, LINE = "#1f2933", "#7b8794", "#e4e7eb"
ACCENT, WARM = "rgb(0,114,178)", "rgb(213,94,0)"  # Okabe and Ito's blue and vermilion: told apart without colour vision
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
LEGEND_ABOVE = {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0}
_UNORDERED = (
    ACCENT,
    WARM,
    "rgb(0,158,115)",
    "rgb(204,121,167)",
    "rgb(86,180,233)",
    "rgb(230,159,0)",
)
_LONGEST_NAME = 32  # characters of a law's name beside a figure; tables hold the whole
_FEW_DECADES = 1.5  # below that powers of ten alone leave an axis almost without numbers
_LOG_SPAN = 4.0  # a wider range than this factor is drawn on a logarithmic axis


def framed(figure: go.Figure, height: int, legend: bool = True) -> go.Figure:
    """The same figure in the page's style."""
    figure.update_layout(
        template="none", height=height, showlegend=legend, hovermode="closest", paper_bgcolor="#ffffff", plot_bgcolor="#ffffff",
        font={"family": FONT, "size": 13, "color": INK}, margin={"l": 72, "r": 24, "t": 36, "b": 56},
        legend={"font": {"size": 12}, "itemsizing": "constant", "bgcolor": "rgba(255,255,255,0.8)"},
    )  # fmt: skip
    frame = {
        "gridcolor": LINE,
        "linecolor": "#cbd2d9",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "#cbd2d9",
        "automargin": True,
        "title_font_size": 13,
    }
    figure.update_xaxes(**frame)
    figure.update_yaxes(**frame)
    return figure


def error_bars(told: Sequence[Interval], colour: str, width: int = 3) -> dict[str, Any]:
    """Bars from each value to its ends; draw values without ends apart, or they get a cap that says "no error"."""

    def far(one: Interval, end: float | None) -> float | None:
        return None if end is None or one.value is None else abs(end - one.value)

    return {"type": "data", "array": [far(one, one.high) for one in told], "arrayminus": [far(one, one.low) for one in told],
            "color": colour, "thickness": 1, "width": width}  # fmt: skip


def log_axis(name: str, values: Array) -> dict[str, Any]:
    """Title and scale of a figure's axis: logarithmic where the values are positive and span a factor of four."""
    title: dict[str, Any] = {"title": {"text": name}}
    wide = bool(len(values)) and values.min() > 0 and values.max() / values.min() > _LOG_SPAN
    if not wide:
        return title | {"exponentformat": "power"}
    scale = title | {"type": "log", "exponentformat": "power"}
    if np.log10(values.max() / values.min()) > _FEW_DECADES:
        return scale | {"dtick": 1}
    low, high = math.floor(np.log10(values.min())) - 1, math.ceil(np.log10(values.max())) + 1
    places = [digit * 10.0**power for power in range(low, high + 1) for digit in (1, 2, 5)]
    return scale | {"tickvals": places, "ticktext": [shown(place) for place in places]}


def metric_unit(fit: Fit) -> str:
    """The unit of the metric: as the table states it, else the law's own, else that of its name."""
    stated = fit.conventions.get("loss_unit", NOT_STATED) if fit.rows.metric == "loss" else NOT_STATED
    if stated != NOT_STATED:
        return stated
    return fit.law.metric_unit or fit.law.axis(fit.rows.metric).unit


def label(fit: Fit, name: str) -> str:
    """An axis with its unit, escaped: figures read a little HTML in their texts."""
    unit = metric_unit(fit) if name == fit.rows.metric else fit.law.axis(name).unit
    return escape(f"{name} ({unit})" if unit and unit != name else name)


def cut_short(name: str) -> str:
    """A name that fits beside a figure: a formula may be as long as a line.

    >>> cut_short("chinchilla"), len(cut_short("a" * 99))
    ('chinchilla', 32)
    """
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def palette(count: int) -> list[str]:
    """So many colours from dark to light, told apart without colour vision."""
    from plotly.colors import sample_colorscale

    places = np.linspace(0.08, 0.88, count) if count > 1 else np.array([0.35])
    return list(sample_colorscale("Viridis", places.tolist()))


def law_colours(count: int) -> list[str]:
    """So many colours that have no order, told apart without colour vision: Okabe and Ito's, again from the first."""
    return [_UNORDERED[i % len(_UNORDERED)] for i in range(count)]


def faded(colour: str, opacity: float) -> str:
    """An `rgb(...)` colour with opacity."""
    return colour.replace("rgb(", "rgba(").replace(")", f", {opacity})")


def embedded_json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def figure_json(figure: go.Figure) -> str:
    """A figure's data and layout as such JSON."""
    return str(figure.to_json()).replace("<", "\\u003c")
