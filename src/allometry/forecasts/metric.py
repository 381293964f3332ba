"""The metric at points of every draw's own, and the quantity of one point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.expressions import evaluate
from allometry.fits import Quantity
from allometry.laws import Law

Array: TypeAlias = NDArray[np.float64]


def metric_at(law: Law, draws: Array, points: Mapping[str, ArrayLike]) -> Array:
    """The metric (B, k) of draws (B, P) at points (k,) or, each draw having its own, (B, k).

    Use it over draws, some of which may have no finite value there: those give NaN or infinity,
    where `law.evaluate` refuses them all.

    >>> from allometry.laws import find_law
    >>> law = find_law("power")
    >>> metric_at(law, np.array([[1.7, 1000.0, 0.15]]), {"flops": [1e20, 1e22]}).round(3)
    array([[2.7  , 2.201]])
    """
    named = {name: draws[:, i, None] for i, name in enumerate(law.parameter_names)}
    columns = {name: np.asarray(points[name], float) for name in law.axes}
    result = np.asarray(evaluate(law.formula.root, {**columns, **named}), float)
    shape = np.broadcast_shapes((len(draws), 1), *(column.shape for column in columns.values()))
    return np.broadcast_to(result, shape)


def value_at(point: Mapping[str, float]) -> Quantity:
    """The quantity "the metric at this point", for diagnosis and next-run design.

    >>> from allometry.laws import find_law
    >>> value_at({"flops": 1e20})(find_law("power"), np.array([[1.7, 1000.0, 0.15]])).round(3)
    array([2.7])
    """

    def quantity(law: Law, draws: Array) -> Array:
        return metric_at(law, draws, {name: np.array([value]) for name, value in point.items()})[:, 0]

    return quantity
