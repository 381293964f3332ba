"""The influence section in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allometry.fits import Diagnosis, Fit, Influence
from allometry.plans import default_quantities
from allometry.reports.curves import positions
from allometry.reports.influences import deciding_rows, factor, in_scales
from allometry.reports.numbers import counted, shown
from allometry.reports.residuals import residual_name, shown_residuals

MOST_LISTED = 20


@dataclass(frozen=True)
class InfluenceWords:
    """What was searched, one line a quantity, and one line a row that decides."""

    simulations: str
    quantities: list[tuple[str, ...]]
    verdict: str
    row_heads: list[str]
    rows: list[tuple[str, ...]]
    more: str


def influence_words(fit: Fit, diagnosis: Diagnosis | None) -> InfluenceWords | None:
    """None where nothing was searched."""
    if diagnosis is None or not diagnosis.influence:
        return None
    found, numbers = diagnosis.influence, deciding_rows(diagnosis)
    at, moved = positions(fit, numbers), [item for item in found if item.finding]
    more = f"The first {MOST_LISTED} of {len(numbers)} rows." if len(numbers) > MOST_LISTED else ""
    return InfluenceWords(
        simulations=counted(len(found[0].expected), "table"), quantities=_quantities(fit, found),
        verdict=_verdict(len(at), len(fit.rows)), row_heads=_heads(fit, moved), more=more,
        rows=[_row(fit, moved, int(i)) for i in at[:MOST_LISTED]],
    )  # fmt: skip


def _verdict(rows: int, all_rows: int) -> str:
    if not rows:
        return "No rows of this table move an answer more than chance does: none need to be looked at for this."
    return (
        f"{counted(rows, 'row')} of {all_rows:,} move an answer more than chance does. Look at how these runs were made before "
        "using the answer; leave them out only for a reason that is not their residual."
    )


def _quantities(fit: Fit, found: tuple[Influence, ...]) -> list[tuple[str, ...]]:
    """Each quantity as fitted and without the rows, the factor between, and the largest factor of a simulated table."""
    known = default_quantities(fit)
    lines: list[tuple[str, ...]] = []
    for item in found:
        quantity = known.get(item.quantity)
        value = None if quantity is None else float(np.ravel(quantity(fit.law, fit.estimate[None]))[0])
        after = None if value is None else value * item.effect
        lines.append((
            item.quantity, shown(value), shown(after), f"×{item.effect:.3f}",
            f"×{max(map(factor, item.expected), default=1.0):.3f}",
            "these rows decide" if item.finding else "no more than chance", rows_named(item.rows),
        ))  # fmt: skip
    return lines


def rows_named(rows: tuple[int, ...]) -> str:
    """Row numbers, the first twenty of them.

    >>> rows_named((3, 5, 8))
    '3, 5, 8'
    """
    more = f" and {len(rows) - MOST_LISTED} more" if len(rows) > MOST_LISTED else ""
    return ", ".join(map(str, rows[:MOST_LISTED])) + more


def _heads(fit: Fit, moved: Sequence[Influence]) -> list[str]:
    return [
        "row",
        *fit.law.axes,
        fit.rows.metric,
        "fitted",
        residual_name(fit),
        "in typical residuals",
        *(f"moves {item.quantity}" for item in moved),
    ]


def _row(fit: Fit, moved: Sequence[Influence], i: int) -> tuple[str, ...]:
    """The values of one row, its residual, and which answers it moves."""
    number, residual = int(fit.rows.numbers[i]), float(shown_residuals(fit)[i])
    fitted = float(fit.predict({name: fit.rows.axes[name][i : i + 1] for name in fit.law.axes})[0])
    return (
        str(number), *(shown(float(fit.rows.axes[name][i])) for name in fit.law.axes), shown(float(fit.rows.target[i])),
        shown(fitted), f"{residual:+.1%}" if fit.space == "log" else f"{residual:+.3g}", f"{in_scales(fit)[i]:+.1f}",
        *("yes" if number in item.rows else "" for item in moved),
    )  # fmt: skip
