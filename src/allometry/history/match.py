"""Which rows of a table were made where something had been said: at the same place, as people round it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allometry.runs import Rows

WITHIN = (
    0.05  # assumed: "7B" is built as 6.74e9, "2T tokens" as 1.95e12; steps of a ladder are four times as wide or more
)
_ROUNDING = 1e-9
Array = NDArray[np.float64]


def near(rows: Rows, at: Mapping[str, float], within: float) -> NDArray[np.int64]:
    """Positions of the rows that differ from a point by no more than a share of any axis.

    >>> rows = Rows({"params": np.array([6.7e9, 7.0e9, 9e9])}, np.zeros(3), "loss")
    >>> near(rows, {"params": 7e9}, 0.05).tolist()
    [0, 1]
    """
    return np.flatnonzero(_apart(rows, at) <= within + _ROUNDING)


def made_there(rows: Rows, at: Mapping[str, float], within: float, new: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions of the `new` rows (n,) at the place nearest to a point, within a share of every axis: a run or its repeats.

    >>> rows = Rows({"params": np.array([6.7e9, 7.1e9, 7.1e9])}, np.zeros(3), "loss")
    >>> made_there(rows, {"params": 7e9}, 0.05, np.array([True, True, True])).tolist()
    [1, 2]
    >>> made_there(rows, {"params": 7e9}, 0.05, np.array([True, False, False])).tolist()
    [0]
    """
    apart = np.where(new, _apart(rows, at), np.inf)
    if not len(apart) or apart.min() > within + _ROUNDING:
        return np.zeros(0, dtype=np.int64)
    first = int(np.argmin(apart))
    same = np.all([column == column[first] for column in rows.axes.values()], axis=0)
    return np.flatnonzero(same & new)


def _apart(rows: Rows, at: Mapping[str, float]) -> Array:
    """By which share (n,) each row differs from a point along the axis where it differs most."""
    return np.max([_share(column, at[name]) for name, column in rows.axes.items()], axis=0)


def _share(column: Array, value: float) -> Array:
    larger, smaller = np.maximum(np.abs(column), abs(value)), np.minimum(np.abs(column), abs(value))
    with np.errstate(all="ignore"):
        share = np.where(np.sign(column) == np.sign(value), larger / smaller - 1.0, np.inf)
    return np.where(column == value, 0.0, share)
