"""Bands of the draws, kept to those that give a number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allometry.fits import Fit
from allometry.forecasts import metric_at
from allometry.reports.style import Array

MOST_DRAWS = 200


def thinned(fit: Fit) -> Array:
    """At most 200 draws (B, P), evenly spaced over all of them."""
    step = max(1, -(-len(fit.draws) // MOST_DRAWS))
    return np.asarray(fit.draws[::step])


def band(fit: Fit, points: Mapping[str, Array]) -> tuple[Array, Array] | None:
    """Lower and upper end (k,) of the metric at points (k,), None for a fit without draws."""
    draws = thinned(fit)
    if len(draws) < 2:
        return None
    return ends(fit, metric_at(fit.law, draws, points))


def curve(fit: Fit, points: Mapping[str, Array]) -> Array:
    """The metric (k,) of the estimate, NaN or infinite where it has no value."""
    return np.asarray(metric_at(fit.law, fit.estimate[None], points)[0])


def ends(fit: Fit, values: Array) -> tuple[Array, Array]:
    """The percentiles (k,) at the fit's level of draws (B, k), NaN in a column without two numbers."""
    tail = (1 - fit.settings.level) / 2
    low, high = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for i, column in enumerate(values.T):
        usable = column[np.isfinite(column)]
        if len(usable) > 1:
            low[i], high[i] = np.quantile(usable, [tail, 1 - tail])
    return low, high
