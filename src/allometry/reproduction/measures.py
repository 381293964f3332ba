"""How far predictions are from measurements, as the checked sources count it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from allometry.fits import Fit
from allometry.runs import Runs

Array = NDArray[np.float64]


def relative_errors(predicted: ArrayLike, measured: ArrayLike) -> Array:
    """Absolute errors as shares of the measurements.

    >>> relative_errors([1.1, 0.9], [1.0, 1.0]).round(3).tolist()
    [0.1, 0.1]
    """
    return np.abs(np.asarray(predicted, float) / np.asarray(measured, float) - 1)


def r_squared(predicted: ArrayLike, measured: ArrayLike) -> float:
    """Share of the measurements' variance that the predictions explain.

    >>> r_squared([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]), r_squared([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    (1.0, 0.0)
    """
    truth = np.asarray(measured, float)
    return float(1 - np.sum((np.asarray(predicted, float) - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))


def fitted_r_squared(fit: Fit) -> float:
    """R squared of a fit on its own rows, in the metric itself."""
    return r_squared(fit.predict(fit.rows.axes), fit.rows.target)


def log_rms(predicted: ArrayLike, measured: ArrayLike) -> float:
    """Root mean square of the error of the logarithm.

    >>> round(log_rms([np.e, 1.0], [1.0, np.e]), 12)
    1.0
    """
    return float(np.sqrt(np.mean(np.log(np.asarray(predicted, float) / np.asarray(measured, float)) ** 2)))


def numbers(runs: Runs, name: str) -> Array:
    """One column of a table as floats (n,)."""
    return np.asarray(runs.column(name), dtype=float)


def spread(fit: Fit) -> dict[str, float]:
    """Standard deviation of each parameter over the draws: its bootstrap standard error."""
    return dict(zip(fit.law.parameter_names, fit.draws.std(axis=0).tolist(), strict=True))


def pass_at_k(samples: ArrayLike, correct: ArrayLike, k: ArrayLike) -> Array:
    """Chance that one of k samples solves a problem, estimated without bias from `correct` of `samples`.

    Source: Chen et al. 2021, arXiv 2107.03374, eq. 1: 1 - C(n - c, k) / C(n, k).

    >>> pass_at_k(10, [0, 1, 10], 5).round(12).tolist()
    [0.0, 0.5, 1.0]
    """
    n, c, k = (np.asarray(value, float) for value in (samples, correct, k))
    wrong, rest = n - c, np.maximum(n - c - k, 0.0)
    missed = np.exp(gammaln(wrong + 1) - gammaln(rest + 1) - gammaln(n + 1) + gammaln(n - k + 1))
    return np.where(wrong >= k, 1 - missed, 1.0)
