"""Mean shift with a bound on the diameter and on the size of a cluster; what is in none stays out."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

Array: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]

_SHIFTS = 100


def mean_shift(points: Array, diameter: float, least: int) -> Labels:
    """The cluster of each point (n,), numbered from the densest, or -1; points (n, d), none farther apart than `diameter`.

    A ball of that diameter starts on the point with most neighbours and moves to the mean of what it holds until it
    stands; what it holds is taken out and the next ball starts. At last every point goes to the nearest centre whose
    ball holds it, and clusters that are left with fewer than `least` points are dissolved.

    >>> mean_shift(np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]]), diameter=1.0, least=2).tolist()
    [0, 0, 0, 1, 1, -1]
    """
    left, centres = np.arange(len(points)), []
    while len(left) >= least:
        centre = _settled(points[left], diameter / 2)
        inside = _distance(points[left], centre) <= diameter / 2
        if inside.sum() < least:
            break
        centres.append(centre)
        left = left[~inside]
    return _nearest(points, np.array(centres).reshape(-1, points.shape[1]), diameter / 2, least)


def _settled(points: Array, radius: float) -> Array:
    neighbours = KDTree(points).query_ball_point(points, radius, return_length=True)
    centre = points[np.argmax(neighbours)]
    for _ in range(_SHIFTS):
        moved = points[_distance(points, centre) <= radius].mean(axis=0)
        if np.array_equal(moved, centre):
            break
        centre = moved
    return np.asarray(centre)


def _nearest(points: Array, centres: Array, radius: float, least: int) -> Labels:
    labels = np.full(len(points), -1)
    if not len(centres):
        return labels
    distances, nearest = KDTree(centres).query(points)
    labels[distances <= radius] = nearest[distances <= radius]
    sizes = np.bincount(labels[labels >= 0], minlength=len(centres))
    numbers = np.where(sizes >= least, np.cumsum(sizes >= least) - 1, -1)
    return np.where(labels >= 0, numbers[labels], -1)


def _distance(points: Array, centre: Array) -> Array:
    return np.asarray(np.linalg.norm(points - centre, axis=1))
