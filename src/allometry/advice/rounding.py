"""How coarsely a column is written, and which rows of two tables are the same numbers up to that."""

from __future__ import annotations

import numpy as np

Array = np.ndarray

_DIGITS = range(-12, 16)
_ARITHMETIC = 1e-12  # relative: what division and multiplication leave behind in double precision
# Assumed: a size written as "7B" stands for a range of this share of it at most.
MOST_RELATIVE = 0.005


def half_unit(values: Array) -> float:
    """Half of the last decimal place that the values (n,) are written in; zero for numbers in full precision.

    >>> half_unit(np.array([3.405928, 2.07739])), half_unit(np.array([7e7, 1.5e8]))
    (5e-07, 5000000.0)
    """
    finite = values[np.isfinite(values)]
    for digits in _DIGITS:
        if finite.size and np.all(np.abs(np.round(finite, digits) - finite) <= 1e-15 * np.abs(finite)):
            return 0.5 * 10.0**-digits
    return 0.0


def same_rows(one: list[Array], other: list[Array]) -> list[tuple[int, int]]:
    """Pairs (i, j) of rows that agree in every column up to the rounding in which the two tables are written.

    `one` and `other` are the same columns (n,) and (m,) of two tables. The tolerance is not a choice: half of the last
    decimal place of the coarser table, column by column. A row has at most one partner, the nearest.

    >>> same_rows([np.array([1.0, 2.0004])], [np.array([2.0, 3.0])]), same_rows([np.array([1.2])], [np.array([2.0])])
    ([(1, 0)], [])
    """
    halves = [half_unit(a) + half_unit(b) for a, b in zip(one, other, strict=True)]
    order = np.argsort(other[-1])
    last = other[-1][order]
    taken = np.zeros(len(last), dtype=bool)
    pairs = []
    for i in range(len(one[-1])):
        widths = [_width(column[i], half) for column, half in zip(one, halves, strict=True)]
        low, high = np.searchsorted(last, [one[-1][i] - widths[-1], one[-1][i] + widths[-1]], side="left")
        near = order[low : high + 1]
        gaps = [np.abs(b[near] - a[i]) / width for a, b, width in zip(one, other, widths, strict=True)]
        farthest = np.where(taken[near], np.inf, np.max(gaps, axis=0, initial=0.0))
        if near.size and farthest.min() <= 1:
            j = int(near[int(np.argmin(farthest))])
            taken[j] = True
            pairs.append((i, j))
    return pairs


def _width(value: float, half: float) -> float:
    return min(half, MOST_RELATIVE * abs(value)) + _ARITHMETIC * abs(value)
