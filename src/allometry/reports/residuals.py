"""What the curve leaves: residuals over each axis and over the fitted value."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from allometry.fits import Fit
from allometry.reports.curves import RUN_MARKER, hover_texts, positions
from allometry.reports.style import MUTED, WARM, Array, framed, label, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = 3
_ROW_HEIGHT = 320


def residual_figure(fit: Fit, marked: tuple[int, ...] = ()) -> go.Figure:
    """One panel an axis and one for the fitted value; positive where the law predicts too much."""
    from plotly.subplots import make_subplots

    panels = {name: fit.rows.axes[name] for name in fit.law.axes}
    panels[f"fitted {fit.rows.metric}"] = fit.predict(fit.rows.axes)
    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure = make_subplots(
        rows=lines, cols=columns, shared_yaxes=True, horizontal_spacing=0.04, vertical_spacing=0.22 / lines
    )
    for i, (name, x) in enumerate(panels.items()):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        _add_panel(figure, fit, x, marked, place)
        figure.update_xaxes(log_axis(label(fit, name) if name in fit.law.axes else escape(name), x), **place)
    framed(figure, _ROW_HEIGHT * lines, legend=False)
    figure.update_yaxes(title_text=escape(residual_name(fit)), col=1)
    return figure


def residual_name(fit: Fit) -> str:
    """What `shown_residuals` are; not escaped."""
    return "predicted / measured − 1" if fit.space == "log" else f"predicted − measured ({fit.space})"


def shown_residuals(fit: Fit) -> Array:
    """Residuals (n,) as shares where the fit is of logarithms, else in its own space."""
    return np.expm1(fit.residuals) if fit.space == "log" else np.asarray(fit.residuals)


def _add_panel(figure: go.Figure, fit: Fit, x: Array, marked: tuple[int, ...], place: dict[str, Any]) -> None:
    y, found = shown_residuals(fit), positions(fit, marked)
    figure.add_hline(y=0, line={"color": MUTED, "width": 1}, **place)
    figure.add_scatter(x=x.tolist(), y=y.tolist(), mode="markers", name="runs", marker=RUN_MARKER, text=hover_texts(fit, np.arange(len(x))),
                       hovertemplate="%{text}<br>residual %{y:.3g}<extra></extra>", **place)  # fmt: skip
    if len(found):
        figure.add_scatter(x=x[found].tolist(), y=y[found].tolist(), mode="markers", name="moves the answer", hoverinfo="skip", **place,
                           marker={"symbol": "circle-open", "color": WARM, "size": 11, "line": {"width": 2}})  # fmt: skip
    if fit.space == "log":
        figure.update_yaxes(tickformat="+.0%" if np.abs(y).max() > 0.05 else "+.1%", **place)
