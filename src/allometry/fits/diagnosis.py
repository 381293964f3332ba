"""How far a fit can be trusted: influential rows, sensitivity to delta, what the residuals still show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allometry.fits.fit import Fit
from allometry.fits.fitting import rebind
from allometry.fits.influence import Influence, Quantity, Sensitivity, delta_sensitivity, influence, residual_trends
from allometry.notices import Notice


@dataclass(frozen=True)
class Diagnosis:
    """Influential rows, sensitivity to delta (None where the objective has none), residual trend per
    decade of each axis in robust standard deviations, and what follows in words."""

    influence: tuple[Influence, ...]
    sensitivity: Sensitivity | None
    trends: Mapping[str, float]
    notices: tuple[Notice, ...]


def diagnose(fitted: Fit, quantities: Mapping[str, Quantity]) -> Diagnosis:
    """Ask of a fit which few rows move each quantity, and what the residuals still show.

    `quantities` map a name to a function of (law, draws (B, P)) giving (B,) positive values: the
    loss at a point, the optimal size at a budget. Costs about as much as a few thousand resamples.
    Without rows, and where parameters cannot be told, there is nothing to ask: then all is empty.
    """
    if fitted.rows_missing or fitted.confounded:
        return Diagnosis((), None, {}, ())
    reduced, problem, q = rebind(fitted)
    found = influence(reduced, problem, q, fitted.rows.numbers, quantities, fitted.settings.seed)
    return Diagnosis(found, delta_sensitivity(reduced, problem, q), residual_trends(problem, q), _notices(found))


def _notices(found: tuple[Influence, ...]) -> tuple[Notice, ...]:
    return tuple(
        Notice("few-rows-decide", f"leaving out {len(item.rows)} rows ({', '.join(map(str, item.rows))}) moves {item.quantity} "
               f"by x{max(item.effect, 1 / item.effect):.2f}; the same search on simulated tables reaches "
               f"x{_largest(item):.2f}: look at these rows before using the answer")
        for item in found if item.finding
    )  # fmt: skip


def _largest(item: Influence) -> float:
    return max((max(factor, 1 / factor) for factor in item.expected), default=1.0)
