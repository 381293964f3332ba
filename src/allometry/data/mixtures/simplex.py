"""Shares that sum to one: the nearest such point, and the least of a function over many of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Objective: TypeAlias = Callable[[Array], Array]
"""Values (m, j) of points (m, j, k): j points of each of m members, which may differ in what they minimise."""

STEPS, HALVINGS, DONE = 300, 30, 1e-7
_APART = 1e-4  # of the differences that slopes are taken by: shares are of the order of one
_SHIFTS = 60


class Least(NamedTuple):
    """Where each member (m, k) is least and how low (m,); `settled` (m,) says whether it stopped by itself."""

    shares: Array
    value: Array
    settled: NDArray[np.bool_]


def nearest(points: Array, low: Array, high: Array) -> Array:
    """The nearest points (m, k) that sum to one with every share between `low` and `high`, both (m, k) or (k,).

    Use it with limits that can be met: the lows sum to one at most, the highs to one at least.

    >>> nearest(np.array([[0.9, 0.5, -0.2]]), np.zeros(3), np.ones(3)).round(3).tolist()
    [[0.7, 0.3, 0.0]]
    """
    down, up = (points - high).min(axis=1, keepdims=True), (points - low).max(axis=1, keepdims=True)
    for _ in range(_SHIFTS):  # the sum falls with the shift that all shares are moved by
        middle = (down + up) / 2
        above = np.clip(points - middle, low, high).sum(axis=1, keepdims=True) > 1
        down, up = np.where(above, middle, down), np.where(above, up, middle)
    return np.clip(points - (down + up) / 2, low, high)


def least(objective: Objective, start: Array, low: Array, high: Array) -> Least:
    """The least of a smooth function from starts (m, k), by spectral projected gradients, all members together.

    Use it with convex functions, or from several starts. Slopes are central differences, so nothing is asked of
    `objective` but values, also a little off the simplex.
    Source: Birgin, Martinez and Raydan 2000, SIAM J. Optim. 10, 1196; steps of Barzilai and Borwein.

    >>> squares = lambda points: np.sum((points - [0.5, 0.2, 0.1]) ** 2, axis=2)
    >>> least(squares, np.array([[0.0, 0.0, 1.0]]), np.zeros(3), np.ones(3)).shares.round(3).tolist()
    [[0.567, 0.267, 0.167]]
    """
    low, high = np.broadcast_to(low, start.shape), np.broadcast_to(high, start.shape)
    shares = nearest(start, low, high)
    value, slope = objective(shares[:, None])[:, 0], _slope(objective, shares)
    size = 1 / np.maximum(np.abs(slope).max(axis=1), 1e-12)
    settled = np.zeros(len(shares), dtype=bool)
    for _ in range(STEPS):
        settled |= np.abs(nearest(shares - slope, low, high) - shares).max(axis=1) < DONE
        if settled.all():
            break
        moved, lower = _search(objective, shares, value, slope, size, low, high)
        moved[settled], lower[settled] = shares[settled], value[settled]
        turned = _slope(objective, moved)
        step, turn = moved - shares, turned - slope
        curve = np.sum(step * turn, axis=1)
        grown = np.sum(step**2, axis=1) / np.where(curve > 0, curve, 1.0)
        settled |= np.abs(step).max(axis=1) < DONE * 1e-2  # no step goes lower
        size = np.where(curve > 0, np.clip(grown, 1e-10, 1e10), size * 4)
        shares, value, slope = moved, lower, turned
    return Least(shares, value, settled)


def _search(
    objective: Objective, shares: Array, value: Array, slope: Array, size: Array, low: Array, high: Array
) -> tuple[Array, Array]:
    """A step along the projected slope, halved for the members whose value it does not lower enough."""
    way = nearest(shares - size[:, None] * slope, low, high) - shares
    gain = np.sum(way * slope, axis=1)
    part, moved, lower = np.ones(len(shares)), shares.copy(), value.copy()
    left = np.ones(len(shares), dtype=bool)
    for _ in range(HALVINGS):
        tried = shares + part[:, None] * way
        found = objective(tried[:, None])[:, 0]
        enough = left & (found <= value + 1e-4 * part * gain)
        moved[enough], lower[enough] = tried[enough], found[enough]
        left &= ~enough
        if not left.any():
            break
        part[left] /= 2
    return moved, lower


def _slope(objective: Objective, shares: Array) -> Array:
    ways = _APART * np.eye(shares.shape[1])
    found = objective(shares[:, None] + np.concatenate([ways, -ways]))
    half = found.shape[1] // 2
    slope = (found[:, :half] - found[:, half:]) / (2 * _APART)
    return np.nan_to_num(slope - slope.mean(axis=1, keepdims=True))  # what moves all shares alike moves none
