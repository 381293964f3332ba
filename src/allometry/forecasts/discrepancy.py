"""How far laws miss beyond their runs, over and above the noise of the fit: measured on backtests of published tables."""

from __future__ import annotations

import numpy as np

from allometry.expressions import from_space, target_transform
from allometry.fits import Fit
from allometry.forecasts.extrapolation import EDGE, Extrapolation
from allometry.forecasts.metric import Array

DISCREPANCY = 3.7
"""Standard deviation of a law's own error one ladder step beyond the runs, in units of the residuals' spread.

Measured by `benchmarks/calibration.py`: with it nominal 80% new-run intervals hold 79% of held-out larger runs, averaged
over the sources of published tables. What would hold 80% is 3.95, and between 2.8 and 5.0 without one of the sources.
"""


def decades_beyond(away: Extrapolation) -> float:
    """Decades outside the runs, in compute or along the axis that is farthest out, whichever is more; NaN if unknown.

    >>> decades_beyond(Extrapolation("beyond", {"params": 0.5, "tokens": -0.2}, 0.7, 1.0, 0.3))
    0.7
    """
    if away.word == "unknown":
        return float("nan")
    return max(abs(away.compute or 0.0), *(abs(decades) for decades in away.axes.values()), 0.0)


def discrepancy(fit: Fit, decades: Array) -> Array:
    """Standard deviation (n,), in the fit's space, of the law's own error at points some decades (n,) outside the runs.

    Use it to widen an interval that holds fit noise only. It is zero within the runs, whose scatter already holds how the
    law misses there, rises over a quarter of a decade to 3.7 times the residuals' spread and from there by as much a
    decade. Measured on published losses, errors, accuracies and throughputs; for one table it may be several times too
    wide or too narrow (the results of the benchmark list them).

    >>> from allometry.fits import published_fit
    >>> discrepancy(published_fit("chinchilla@hoffmann"), np.array([1.0])).tolist()
    [nan]
    """
    beyond = np.asarray(decades, float)
    return DISCREPANCY * residual_spread(fit) * np.minimum(1.0, beyond / EDGE) * (1.0 + beyond)


def residual_spread(fit: Fit) -> float:
    """Standard deviation of the residuals in the fit's space, made up for the parameters spent; NaN without rows."""
    if not len(fit.residuals):
        return float("nan")
    weights = np.ones(len(fit.residuals)) if fit.rows.weights is None else np.asarray(fit.rows.weights > 0, float)
    used = float(weights.sum())
    spare = max(used - len(fit.estimate), 1.0)
    return float(np.sqrt(np.sum(weights * fit.residuals**2) / spare))


def widened(fit: Fit, draws: Array, decades: Array, seed: int) -> Array:
    """Draws (B, n) of the metric with the law's own error at points `decades` (n,) outside the runs.

    One error a draw, shared by all points: a law that bends away is off on the same side everywhere beyond.
    """
    generator = np.random.default_rng([seed, 8])
    error = generator.standard_normal((len(draws), 1)) * discrepancy(fit, decades)
    with np.errstate(all="ignore"):
        return np.asarray(from_space(fit.space, target_transform(fit.space, draws) + error), float)
