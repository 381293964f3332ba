"""Rungs of two arms: which settings both have, and resamples that draw those alike in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.costs import compute_of
from allometry.runs import Rows, Runs

Array: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]

# Assumed, as for conventions: numbers of one plan that were rounded or read off a figure differ by less, rungs by more.
SAME = 0.01


@dataclass(frozen=True, eq=False)
class Rungs:
    """The rungs of an arm: `of` (n,) the rung of each row, `points` axis to (k,) the setting of each rung,
    `names` (k,) what the user calls them, None where they go by their setting; `top` (n,) marks the rows that are at
    the setting of their rung, all but the earlier checkpoints."""

    of: Labels
    points: Mapping[str, Array]
    names: tuple[object, ...] | None
    top: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(next(iter(self.points.values())))

    def means(self, rows: Rows) -> Array:
        """Mean of the metric (k,) at each rung, in the unit of the table."""
        kept, count = self.of[self.top], len(self)
        return np.bincount(kept, rows.target[self.top], count) / np.bincount(kept, minlength=count)


def rungs_of(rows: Rows, runs: Runs, named_by: str | None = None) -> Rungs:
    """Rungs by the law's axes, of a run by its largest row; or by the values of the column `named_by`."""
    columns = np.stack([np.asarray(rows.axes[name], float) for name in rows.axes], axis=1)
    largest = _largest_of(_runs_of(rows), np.lexsort(columns.T))
    if named_by is not None:
        place = {int(row): i for i, row in enumerate(runs.row_numbers)}
        values = [str(runs.column(named_by)[place[int(row)]]) for row in rows.numbers]
        names, first, of = np.unique(np.array(values), return_index=True, return_inverse=True)
        largest = _largest_of(of, np.lexsort(columns.T))
        top = (columns == columns[largest]).all(axis=1)
        return Rungs(of, _points(rows, columns[largest[first]]), tuple(names.tolist()), top)
    points, of = np.unique(columns[largest], axis=0, return_inverse=True)
    return Rungs(of.reshape(-1), _points(rows, points), None, (columns == points[of.reshape(-1)]).all(axis=1))


def _points(rows: Rows, points: Array) -> dict[str, Array]:
    return {name: points[:, i] for i, name in enumerate(rows.axes)}


def _runs_of(rows: Rows) -> Labels:
    return rows.cluster if rows.cluster is not None and rows.cluster_kind == "runs" else np.arange(len(rows))


def _largest_of(labels: Labels, order: Labels) -> Labels:
    """For every row (n,) the row of its group that comes last in an order."""
    last = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    last[labels[order]] = order
    return np.asarray(last[labels]) if len(np.unique(labels)) < len(labels) else np.arange(len(labels))


def common_rungs(one: Rungs, other: Rungs) -> list[tuple[int, int]]:
    """Rungs that both have: of one name, of equal axes within rounding, or alone at equal FLOPs within rounding."""
    if one.names is not None and other.names is not None:
        return [(i, other.names.index(name)) for i, name in enumerate(one.names) if name in other.names]
    apart = np.max([_apart(one.points[name], other.points[name]) for name in one.points], axis=0)
    found = _nearest(apart)
    flops = [compute_of(rungs.points) for rungs in (one, other)]
    if flops[0] is None or flops[1] is None:
        return found
    alone = [np.sum(_apart(values, values) <= SAME, axis=1) == 1 for values in (flops[0], flops[1])]
    apart = np.where(np.outer(*alone), _apart(flops[0], flops[1]), np.inf)
    for i, j in found:
        apart[i], apart[:, j] = np.inf, np.inf
    return sorted([*found, *_nearest(apart)])


def _apart(one: Array, other: Array) -> Array:
    """Relative differences (k, l)."""
    scale = np.maximum(np.maximum(np.abs(one)[:, None], np.abs(other)), 1e-300)
    return np.asarray(np.abs(one[:, None] - other) / scale)


def _nearest(apart: Array) -> list[tuple[int, int]]:
    """Pairs that are each other's nearest, and near enough."""
    forth, back = np.argmin(apart, axis=1), np.argmin(apart, axis=0)
    return [(i, int(j)) for i, j in enumerate(forth) if back[j] == i and apart[i, j] <= SAME]


def paired_counts(
    sizes: tuple[int, int], pairs: Sequence[tuple[int, int]], draws: int, seed: int
) -> tuple[Array, Array]:
    """How often each rung of either arm is drawn, (draws, k) and (draws, l).

    Common rungs are drawn with replacement among themselves, equally often in both arms, the others within their arm.
    """
    generator = np.random.default_rng([seed, 5])
    shared = _counts(len(pairs), draws, generator)
    found = []
    for arm, size in enumerate(sizes):
        common = [pair[arm] for pair in pairs]
        counts = np.empty((draws, size))
        own = np.setdiff1d(np.arange(size), common)
        counts[:, common], counts[:, own] = shared, _counts(len(own), draws, generator)
        found.append(counts)
    return found[0], found[1]


def _counts(size: int, draws: int, generator: np.random.Generator) -> Array:
    return np.asarray(
        generator.multinomial(size, np.full(size, 1 / size), draws) if size else np.zeros((draws, 0)), float
    )
