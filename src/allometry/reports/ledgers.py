"""What was measured against what had been forecast: one line a run, about the forecast."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from allometry.history import Check, Ledger, Said
from allometry.reports.ledger_words import MOST_LISTED, place, scored
from allometry.reports.style import ACCENT, LEGEND_ABOVE, MUTED, WARM, cut_short, faded, framed

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LINE_HEIGHT, _AROUND = 34, 130
_BAR = "rgb(43,108,176)"


def ledger_figure(ledger: Ledger) -> go.Figure | None:
    """Interval for one run and measurement, each over the forecast, the last said on top; None before anything came out."""
    import plotly.graph_objects as go

    pairs = [pair for pair in scored(ledger) if pair[1].value > 0 and pair[1].measured > 0][:MOST_LISTED]
    if not pairs:
        return None
    figure = go.Figure()
    figure.add_vline(x=0, line={"color": MUTED, "width": 1})
    _add_intervals(figure, pairs)
    for inside, name, colour, symbol in (
        (True, "measured, inside", ACCENT, "circle"), (False, "measured, outside", WARM, "diamond"), (None, "measured, no interval", MUTED, "x"),
    ):  # fmt: skip
        _add_measured(
            figure, [(i, *pair) for i, pair in enumerate(pairs) if pair[1].inside is inside], name, colour, symbol
        )
    framed(figure, _AROUND + _LINE_HEIGHT * len(pairs))
    figure.update_layout(legend=LEGEND_ABOVE, margin_t=52)
    names = [escape(cut_short(check.run or place(said))) for said, check in pairs]
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.4, -0.6])
    figure.update_xaxes(title_text="measured / expected − 1", ticksuffix="%", range=_range(pairs))
    return figure


def _range(pairs: list[tuple[Said, Check]]) -> list[float]:
    """A little more than all that is drawn."""
    ends = [
        _above(value, check)
        for _, check in pairs
        for value in (check.measured, check.low, check.high)
        if value is not None
    ]
    low, high = min(ends), max(ends)
    room = 0.06 * max(high - low, 0.1)
    return [low - room, high + room]


def _add_intervals(figure: go.Figure, pairs: list[tuple[Said, Check]]) -> None:
    """A thick line from end to end of each interval; gaps part them."""
    x: list[float | None] = []
    y: list[float | None] = []
    for i, (_, check) in enumerate(pairs):
        if check.low is not None and check.high is not None:
            x += [_above(check.low, check), _above(check.high, check), None]
            y += [i, i, None]
    if x:
        figure.add_scatter(x=x, y=y, mode="lines", name="interval for one run", line={"color": faded(_BAR, 0.28), "width": 12},
                           hoverinfo="skip")  # fmt: skip


def _add_measured(figure: go.Figure, some: list[tuple[int, Said, Check]], name: str, colour: str, symbol: str) -> None:
    if some:
        figure.add_scatter(
            x=[_above(check.measured, check) for _, _, check in some], y=[i for i, _, _ in some], mode="markers", name=name,
            marker={"color": colour, "size": 11, "symbol": symbol}, text=[_hover(said, check) for _, said, check in some],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip


def _above(value: float, check: Check) -> float:
    return 100 * (value / check.value - 1)


def _hover(said: Said, check: Check) -> str:
    return escape(
        f"{said.kind} of {said.made[:10]}, {said.metric} at {place(said)}: {check.value:.4g}, measured {check.measured:.4g}"
    )
