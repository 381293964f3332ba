"""Minima and crossings by ever closer grids: few calls with many points, where each call is dear."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_POINTS, _ROUNDS = 9, 4  # two steps of a grid to their 256th part, where a parabola is exact to 1e-9
_STEPS, _NARROWINGS = 33, 8


def least_between(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Where `function`, of points (B, k) row by row, is least between brackets (B,) that hold one minimum each.

    >>> least_between(lambda x: np.cosh(x - 0.3), np.array([-1.0]), np.array([1.0])).round(6)
    array([0.3])
    """
    rows = np.arange(len(low))
    share = np.linspace(0.0, 1.0, _POINTS)
    for _ in range(_ROUNDS):
        x = low[:, None] + share * (high - low)[:, None]
        values = function(x)
        best = np.argmin(values, axis=1)
        low, high = x[rows, np.maximum(best - 1, 0)], x[rows, np.minimum(best + 1, _POINTS - 1)]
    middle = np.clip(best, 1, _POINTS - 2)
    left, here, right = (values[rows, middle + shift] for shift in (-1, 0, 1))
    with np.errstate(all="ignore"):
        offset = 0.5 * (left - right) / (left - 2 * here + right)
    step = x[:, 1] - x[:, 0]
    inside = np.isfinite(offset) & (np.abs(offset) <= 1) & (middle == best)
    return np.where(inside, x[rows, middle] + np.where(inside, offset, 0.0) * step, x[rows, best])


def crossing(holds: Callable[[Array], NDArray[np.bool_]], inside: float, outside: float) -> float:
    """The last point on the way from `inside` to `outside` up to which `holds`, of points (k,), does.

    >>> crossing(lambda x: x**2 <= 2, 0.0, 5.0).__round__(9)
    1.414213562
    """
    for _ in range(_NARROWINGS):
        x = inside + np.linspace(0.0, 1.0, _STEPS) * (outside - inside)
        kept = holds(x)
        if kept.all():
            return float(outside)
        first = max(int(np.argmin(kept)), 1)
        inside, outside = float(x[first - 1]), float(x[first])
    return inside
