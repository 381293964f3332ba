"""The forecasts made below each cut, with their intervals, against what was measured above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from allometry.axes import AXES
from allometry.costs import compute_of
from allometry.fits import Fit
from allometry.forecasts import CALIBRATED, FIT_NOISE, Backtest
from allometry.reports.backtests import drawn, hover_texts
from allometry.reports.curves import coordinate
from allometry.reports.groups import grouped
from allometry.reports.numbers import shown
from allometry.reports.panels import panels
from allometry.reports.style import ACCENT, INK, MUTED, WARM, Array, faded, label, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SIDE, _ABOVE = 0.04, 0.2  # of the span to each side
_SEEN = (0.01, 0.99)  # of what was measured: single wild runs and wide intervals would flatten everything else
_BAR, _INNER_BAR = faded(ACCENT, 0.22), faded(ACCENT, 0.6)


class Cut(NamedTuple):
    """The forecasts `rows` (m,) of one cut (None: a given hold-out), at `x` (m,), and the fitted runs below it."""

    cut: float | None
    rows: np.ndarray
    x: Array
    fitted: np.ndarray
    fitted_x: Array


def fan_figure(fit: Fit, test: Backtest) -> go.Figure | None:
    """One panel a cut; None where the rows of the fit do not say where its forecasts lie."""
    title, x = _coordinate(fit, test)
    cuts = _cuts(fit, test, x)
    if not cuts:
        return None
    figure, places = panels([_title(test, cut) for cut in cuts])
    for i, (cut, place) in enumerate(zip(cuts, places, strict=True)):
        _add_cut(figure, fit, test, cut, place, named=i == 0)
    every = np.concatenate([part for cut in cuts for part in (cut.x, cut.fitted_x)])
    scale = log_axis(title, every)
    figure.update_xaxes(scale | {"range": _range(every, scale, _SIDE)})
    scale = log_axis(label(fit, fit.rows.metric), fit.rows.target)
    figure.update_yaxes({key: value for key, value in scale.items() if key != "title"})
    figure.update_yaxes(range=_range(np.quantile(fit.rows.target, _SEEN), scale, _ABOVE))
    figure.update_yaxes(title=scale["title"], col=1)
    return figure


def _coordinate(fit: Fit, test: Backtest) -> tuple[str, Array]:
    """The title of the horizontal axis, and where the rows (n,) of the fit lie on it; NaN where that is not known."""
    if test.along is None:
        found = grouped(fit)
        return coordinate(fit, found.name), found.x
    own = fit.rows.axes.get(test.along, compute_of(fit.rows.axes) if test.along == "flops" else None)
    title = f"training compute ({AXES['flops'].unit})" if test.along == "flops" else label(fit, test.along)
    return title, np.full(len(fit.rows), np.nan) if own is None else np.asarray(own, dtype=float)


def _cuts(fit: Fit, test: Backtest, x: Array) -> list[Cut]:
    if test.along is None:
        held = np.isin(fit.rows.numbers, test.row)
        rows = np.flatnonzero(np.isin(test.row, fit.rows.numbers))
        at = x[np.searchsorted(fit.rows.numbers, test.row[rows])]
        return [Cut(None, rows, at, np.flatnonzero(~held), x[~held])] if len(rows) else []
    return [_below(fit, test, x, float(cut)) for cut in np.unique(test.cut)]


def _below(fit: Fit, test: Backtest, x: Array, cut: float) -> Cut:
    rows = np.flatnonzero(test.cut == cut)
    own = np.arange(len(x)) if fit.rows.cluster is None else fit.rows.cluster
    reaching = np.isin(own, own[np.isin(fit.rows.numbers, test.row[rows])])  # rows below the cut of a run that goes on
    fitted = np.flatnonzero((x <= cut * (1 + 1e-9)) & ~reaching)
    return Cut(cut, rows, cut * 10 ** test.ahead[rows], fitted, x[fitted])


def _title(test: Backtest, cut: Cut) -> str:
    name = "held out" if cut.cut is None else f"cut at {shown(cut.cut, 3)}"
    if not np.isfinite(test.low[cut.rows]).all():
        return f"{name}: no intervals"
    return f"{name}: {test.inside[cut.rows].mean():.0%} of {len(cut.rows)} inside"


def _add_cut(figure: go.Figure, fit: Fit, test: Backtest, cut: Cut, place: dict[str, int], named: bool) -> None:
    def add(x: list[Any], y: list[Any], name: str, **how: Any) -> None:
        x, y = (x, y) if x or not named else ([None], [None])  # an empty trace has no place in the legend
        figure.add_scatter(x=x, y=y, name=name, legendgroup=name, showlegend=named, **how, **place)

    some, fitted = drawn(np.arange(len(cut.rows))), drawn(np.arange(len(cut.fitted)))
    rows, x = cut.rows[some], cut.x[some]
    inside, known = test.inside[rows], bool(np.isfinite(test.low[cut.rows]).all())
    if cut.cut is not None:
        line = {"color": MUTED, "width": 1, "dash": "dot"}
        figure.add_vline(x=cut.cut, line=line, exclude_empty_subplots=False, **place)
    add(cut.fitted_x[fitted].tolist(), fit.rows.target[cut.fitted[fitted]].tolist(), "fitted", mode="markers", hoverinfo="skip",
        marker={"color": MUTED, "size": 4, "opacity": 0.45})  # fmt: skip
    if known:
        for low, high, name, line in (
            (test.low, test.high, CALIBRATED, {"color": _BAR, "width": 4}),
            (test.noise_low, test.noise_high, FIT_NOISE, {"color": _INNER_BAR, "width": 1.5}),
        ):
            add(_joined(x, x), _joined(low[rows], high[rows]), f"{test.level:.0%}, {name}", mode="lines", hoverinfo="skip",
                line=line)  # fmt: skip
    add(x.tolist(), _plain(test.predicted[rows]), "forecast", mode="markers", hoverinfo="skip",
        marker={"symbol": "line-ew", "size": 6, "line": {"color": INK, "width": 1}})  # fmt: skip
    told = ((inside, "measured, inside", ACCENT), (~inside, "measured, outside", WARM))
    for chosen, name, colour in told if known else ((np.full(len(x), True), "measured", ACCENT),):
        add(x[chosen].tolist(), test.measured[rows[chosen]].tolist(), name, mode="markers",
            marker={"color": colour, "size": 5}, text=hover_texts(test, rows[chosen]),
            hovertemplate="%{text}<extra></extra>")  # fmt: skip


def _joined(first: Array, second: Array) -> list[float | None]:
    """Pairs of ends as separate strokes of one line."""
    return [value for a, b in zip(_plain(first), _plain(second), strict=True) for value in (a, b, None)]


def _plain(values: Array) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _range(values: Array, scale: dict[str, Any], room: float) -> list[float]:
    """The ends of an axis: the values and a share of their span to each side, as logarithms where it is logarithmic."""
    found = np.log10(values) if scale.get("type") == "log" else values
    low, high = float(found.min()), float(found.max())
    span = (high - low) or 1.0
    return [low - room * span, high + room * span]
