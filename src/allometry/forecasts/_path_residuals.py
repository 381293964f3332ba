"""How far the checkpoints of runs lie from a law that was fitted without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import target_transform
from allometry.fits import Fit
from allometry.forecasts.metric import Array, metric_at

STEP = 1e-4  # of a parameter, for its central difference
CUT = 1e-6  # directions that the runs say less about than this share of the best known one are held


def residuals(fit: Fit, points: Mapping[str, Array], values: Array) -> Array:
    """Measurement minus law (n,) in the space of the fit."""
    with np.errstate(all="ignore"):
        told = target_transform(fit.space, fit.predict(points))
        return np.asarray(target_transform(fit.space, values) - told, float)


def moved_by_leaving_out(
    fit: Fit, blocks: Sequence[NDArray[np.int64]], points: Sequence[Mapping[str, Array]]
) -> list[Array]:
    """By how much residuals at points grow when a block of the fitted rows is left out, to first order.

    `points[b]` are those of block b; the fit is not made again, which would take as long for every block.
    """
    slopes = _slopes(fit, fit.rows.axes)
    weights = _weights(fit)
    inverse = np.linalg.pinv((slopes * weights[:, None]).T @ slopes, rcond=CUT**2, hermitian=True)
    found = []
    for block, places in zip(blocks, points, strict=True):
        pull = slopes[block].T * weights[block]
        left = np.linalg.lstsq(np.eye(len(block)) - slopes[block] @ inverse @ pull, -fit.residuals[block], rcond=CUT)[0]
        found.append(np.asarray(_slopes(fit, places) @ (inverse @ (pull @ left))))
    return found


def _slopes(fit: Fit, points: Mapping[str, Array]) -> Array:
    """Derivatives (n, P) of the law in the space of the fit by each parameter, in units of that parameter."""
    free = [i for i, name in enumerate(fit.law.parameter_names) if name not in fit.settings.fixed]
    steps = STEP * np.eye(len(fit.estimate))[free] * np.where(fit.estimate == 0, 1.0, fit.estimate)
    moved = metric_at(fit.law, fit.estimate + np.concatenate([steps, -steps]), points)
    with np.errstate(all="ignore"):
        told = np.asarray(target_transform(fit.space, moved), float)
    slopes = (told[: len(free)] - told[len(free) :]) / (2 * STEP)
    return np.where(np.isfinite(slopes), slopes, 0.0).T


def _weights(fit: Fit) -> Array:
    """Huber's weights of the fit's rows, times their own."""
    given = np.ones(len(fit.residuals)) if fit.rows.weights is None else fit.rows.weights
    if not fit.delta:
        return np.asarray(given, float)
    return np.asarray(given * np.minimum(1.0, fit.delta / np.maximum(np.abs(fit.residuals), 1e-300)))
