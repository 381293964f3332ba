"""Runs as groups of a similar size, one curve each, and the coordinate they are drawn over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allometry.costs import compute_of, rule_partner, size_axis
from allometry.fits import Fit
from allometry.reports.style import Array

MOST_GROUPS = 12
_POINTS = 48
_MARGIN = 1.6  # factor by which a curve is drawn beyond the runs of its group


@dataclass(frozen=True)
class Group:
    """The positions of its runs and the curve through them: `points` of the law (k,) at coordinates `x` (k,)."""

    value: float | None
    rows: np.ndarray
    x: Array
    points: dict[str, Array]


@dataclass(frozen=True)
class Grouped:
    """All groups: `x` (n,) of every run on coordinate `name` ("compute" or an axis), by axis `by`."""

    name: str
    by: str | None
    x: Array
    groups: tuple[Group, ...]


def grouped(fit: Fit) -> Grouped:
    """Over compute and by size where the law has size and tokens; else over its first axis and by the second."""
    size = size_axis(fit.law.axes)
    if size is not None and "tokens" in fit.law.axes:
        compute = compute_of({name: fit.rows.axes[name] for name in (size, "tokens")})
        return (
            Grouped("compute", size, compute, _groups(fit, "compute", size, compute))
            if compute is not None
            else _plain(fit)
        )
    return _plain(fit)


def middle(fit: Fit) -> dict[str, float]:
    """The median of the runs on each axis."""
    return {name: float(np.median(fit.rows.axes[name])) for name in fit.law.axes}


def _plain(fit: Fit) -> Grouped:
    name = fit.law.axes[0]
    by = fit.law.axes[1] if len(fit.law.axes) > 1 else None
    return Grouped(name, by, fit.rows.axes[name], _groups(fit, name, by, fit.rows.axes[name]))


def _groups(fit: Fit, name: str, by: str | None, x: Array) -> tuple[Group, ...]:
    labels = group_labels(fit.rows.axes[by]) if by else np.zeros(len(x), int)
    return tuple(_group(fit, name, by, x, np.flatnonzero(labels == label)) for label in np.unique(labels))


def _group(fit: Fit, name: str, by: str | None, x: Array, rows: np.ndarray) -> Group:
    grid = _grid(x[rows])
    held = {axis: float(np.median(fit.rows.axes[axis][rows])) for axis in fit.law.axes}
    points = {axis: np.full(len(grid), value) for axis, value in held.items()}
    if name == "compute" and by is not None:
        points["tokens"] = rule_partner(grid, held[by])
    else:
        points[name] = grid
    return Group(held[by] if by else None, rows, grid, points)


def _grid(x: Array) -> Array:
    if x.min() > 0:
        return np.geomspace(x.min() / _MARGIN, x.max() * _MARGIN, _POINTS)
    return np.linspace(x.min(), x.max(), _POINTS)


def group_labels(values: Array) -> np.ndarray:
    """Group numbers (n,): the distinct values, or equal steps of the logarithm where there are too many."""
    distinct, labels = np.unique(values, return_inverse=True)
    if len(distinct) <= MOST_GROUPS:
        return labels
    scaled = np.log(values) if values.min() > 0 else values
    edges = np.linspace(scaled.min(), scaled.max(), MOST_GROUPS + 1)
    return np.digitize(scaled, edges[1:-1])
