"""From the accuracy on some questions of a benchmark to the accuracy on all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

Array: TypeAlias = NDArray[np.float64]

_FIXED = 1e6  # weight of the two ends, which are not measured


def monotone_map(part: Array, whole: Array) -> Callable[[Array], Array]:
    """A rising curve through (0, 0) and (1, 1) and near the pairs (n,) of models that exist.

    The pairs are made to rise by isotonic regression and joined by a monotone cubic. Between the best model and (1, 1)
    nothing is measured: give models that are as good as the one to be forecast.

    >>> mapped = monotone_map(np.array([0.2, 0.5]), np.array([0.1, 0.3]))
    >>> mapped(np.array([0.0, 0.2, 0.5, 1.0])).round(6).tolist()
    [0.0, 0.1, 0.3, 1.0]
    """
    x, y = np.concatenate([[0.0], part, [1.0]]), np.concatenate([[0.0], whole, [1.0]])
    weights = np.concatenate([[_FIXED], np.ones(len(part)), [_FIXED]])
    places, groups = np.unique(x, return_inverse=True)
    mass = np.bincount(groups, weights)
    rising = isotonic_regression(np.bincount(groups, weights * y) / mass, weights=mass).x
    rising[[0, -1]] = 0.0, 1.0
    curve = PchipInterpolator(places, rising)
    return lambda values: np.asarray(np.clip(curve(np.clip(values, 0.0, 1.0)), 0.0, 1.0))
