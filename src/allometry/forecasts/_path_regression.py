"""One number of a run from what it showed before, learned from other runs, with errors of runs left out.

A ridge regression with Huber weights. The weight of its penalty is the one whose errors are least when runs, or all
runs of one size, are left out in turn; those errors also give the spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Array = NDArray[np.float64]
Blocks = Sequence[NDArray[np.int64]] | None  # runs that are left out together; None where each is alone

PENALTIES = (0.003, 0.03, 0.3, 3.0, 30.0)  # of a standardised column, per run: from none to all
HUBER = 1.345  # robust standard deviations, 95% efficient under normal errors (Huber 1981)
_ROUNDS = 4
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Told:
    """A value for the new run, and the errors (n,) of the same rule for the other runs, each left out.

    `scale` (n,) and `new_scale` say how large an error is to be expected of each run and of the new one.
    """

    value: float
    errors: Array
    scale: Array
    new_scale: float

    @property
    def scores(self) -> Array:
        """Errors in units of what was to be expected of them."""
        return self.errors / self.scale

    def shifted(self, by: float) -> Told:
        """The same with another origin of the value."""
        return replace(self, value=self.value + by)


def tell(known: Array, wanted: Array, new: Array, blocks: Blocks, least: float) -> Told:
    """What a run with `new` (p,) will show, from other runs that had `known` (n, p) and showed `wanted` (n,).

    `blocks` are the runs left out together, each alone where it is None; `least` is the smallest scale of an error.
    """
    columns, row = _standardised(known, new)
    weights = np.ones(len(wanted))
    for _ in range(_ROUNDS):
        errors = wanted - columns @ (_smoother(columns, weights, PENALTIES[1]) @ wanted)
        weights = _huber_weights(errors)
    smoother, errors = _chosen(columns, wanted, weights, blocks)
    scale, new_scale = _scales(columns, row, errors, blocks, least)
    return Told(float(row @ smoother @ wanted), errors, scale, new_scale)


def upper_bound(sizes: Array, level: float) -> float:
    """What the size of one more error stays below with probability `level`, from those (n,) of other runs.

    The order statistic of a conformal interval where there are enough runs for it; with fewer a normal prediction bound
    for the logarithm of the size (assumed).

    >>> upper_bound(np.arange(1.0, 20.0), 0.9)
    18.0
    """
    count = len(sizes)
    rank = ceil(level * (count + 1))
    if rank <= count:
        return float(np.sort(sizes)[rank - 1])
    logs = np.log(np.maximum(sizes, _TINY))
    reach = float(student.ppf(level, count - 1)) * np.sqrt(1 + 1 / count)
    return max(float(np.exp(logs.mean() + reach * logs.std(ddof=1))), float(sizes.max()))


def _standardised(known: Array, new: Array) -> tuple[Array, Array]:
    """A constant and the columns in standard units; a column that is the same for all runs says nothing."""
    centre, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread > 1e-9 * (1 + np.abs(centre)), spread, np.inf)
    return np.column_stack([np.ones(len(known)), (known - centre) / spread]), np.append(1.0, (new - centre) / spread)


def _smoother(columns: Array, weights: Array, penalty: float) -> Array:
    """The matrix (p, n) that makes coefficients of what is to be told; the constant is not penalised."""
    ridge = np.full(columns.shape[1], penalty * weights.sum())
    ridge[0] = _TINY
    weighted = columns * weights[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ columns + np.diag(ridge), weighted.T))


def _chosen(columns: Array, wanted: Array, weights: Array, blocks: Blocks) -> tuple[Array, Array]:
    """The smoother whose errors of left-out runs are least, and those errors."""
    tried = [_smoother(columns, weights, penalty) for penalty in PENALTIES]
    errors = [left_out_errors(columns, smoother, wanted, blocks) for smoother in tried]
    best = int(np.argmin([np.abs(one).mean() for one in errors]))
    return tried[best], errors[best]


def left_out_errors(columns: Array, smoother: Array, wanted: Array, blocks: Blocks) -> Array:
    """Errors (n,) of every block when it is left out: exact for a linear rule whose weights are held."""
    errors = wanted - columns @ (smoother @ wanted)
    if blocks is None:
        return np.asarray(errors / np.maximum(1 - np.einsum("ij,ji->i", columns, smoother), _TINY))
    for block in blocks:
        own = np.eye(len(block)) - columns[block] @ smoother[:, block]
        errors[block] = np.linalg.lstsq(own, errors[block], rcond=1e-6)[0]
    return np.asarray(errors)


def _scales(columns: Array, row: Array, errors: Array, blocks: Blocks, least: float) -> tuple[Array, float]:
    """How large errors are to be expected: their log size by the same regression, each run left out of its own."""
    ones = np.ones(len(errors))
    logs = np.log(np.abs(errors) + 0.1 * np.median(np.abs(errors)) + _TINY)  # a lucky hit is no sign of small errors
    smoother = _smoother(columns, ones, 1.0)
    told = logs - left_out_errors(columns, smoother, logs, blocks)
    floor = np.log(least)
    return np.exp(np.maximum(told, floor)), float(np.exp(max(row @ smoother @ logs, floor)))


def _huber_weights(errors: Array) -> Array:
    spread = 1.4826 * float(np.median(np.abs(errors))) + _TINY
    return np.asarray(np.minimum(1.0, HUBER * spread / np.maximum(np.abs(errors), _TINY)))
