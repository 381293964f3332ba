"""How far predictions are from measurements, as the checked sources count it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
