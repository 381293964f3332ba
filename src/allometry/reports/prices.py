"""The price of being wrong over the size of the model, with the plan and the recommended point."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from allometry.fits import Fit
from allometry.plans import Plan
from allometry.reports.style import ACCENT, LEGEND_ABOVE, MUTED, WARM, framed, label, log_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go


def price_figure(fit: Fit, plan: Plan) -> go.Figure | None:
    """Expected and 95th-percentile excess against size; None without draws or with a single allocation."""
    import plotly.graph_objects as go

    prices = [(what, priced) for what, priced in plan.prices if np.isfinite(priced.loss.p95)]
    if len(prices) < 2:
        return None
    size = next(iter(plan.at))
    x = np.array([priced.at[size] for _, priced in prices])
    figure = go.Figure()
    for name, colour, values in (
        ("mean over the draws", ACCENT, [priced.loss.expected for _, priced in prices]),
        ("95th percentile", MUTED, [priced.loss.p95 for _, priced in prices]),
    ):
        figure.add_scatter(x=x.tolist(), y=[100 * value for value in values], mode="lines+markers", name=name,
                           line={"color": colour, "width": 2}, hovertemplate="%{x:.3s}: %{y:.3g}%<extra></extra>")  # fmt: skip
    for what, priced in prices:
        if what:
            figure.add_scatter(x=[priced.at[size]], y=[100 * priced.loss.expected], mode="markers", name=what,
                               marker={"symbol": "star" if what == "the plan" else "diamond", "size": 14, "color": WARM})  # fmt: skip
    framed(figure, 360)
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=72)
    figure.update_xaxes(log_axis(label(fit, size) + ", tokens following at the plan's compute", x))
    figure.update_yaxes(title_text=f"{escape(plan.metric)}: % above the best", rangemode="tozero")
    return figure
