"""Which of many cells may be the best one, and choosing on some problems to be judged on others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from allometry.inference.policies.table import Array

Chosen = TypeVar("Chosen")
Codes = NDArray[np.intp]
DRAWS = 1000
FOLDS = 10


def may_be_best(grades: Array, codes: Codes, level: float = 0.9, seed: int = 0) -> NDArray[np.bool_]:
    """The cells that cannot be told from the best: with a chance of `level` the truly best one is among them.

    Use it where several are compared on the same problems. A cell is left out where some other is better by more than
    chance would make the largest of all differences to it, so the number compared is paid for.
    Arguments: `grades` (C, N), means over seeds; `codes` (N,) the group of each problem. To each paired standard error
    half a problem is added on either side, as in `difference_interval`, so that few problems which all agree prove
    nothing.
    Source: Hsu 1981, Annals of Statistics 9(5), multiple comparisons with the best (recalled); the critical value is
    that of the largest studentised difference under Gaussian multipliers of groups (Chernozhukov et al. 2013,
    arXiv 1212.6906).

    >>> both = np.array([[1.0, 0.0] * 50, [0.0, 0.0] * 50])
    >>> may_be_best(both, np.arange(100)).tolist()
    [True, False]
    """
    means, sums, noise, floor = _noise(grades, codes, seed)
    kept = np.ones(len(means), dtype=bool)
    for cell in range(len(means)):
        error = np.sqrt(((sums - sums[cell]) ** 2).sum(axis=1) + floor)
        largest = ((noise - noise[:, [cell]]) / error).max(axis=1)
        kept[cell] = ((means - means[cell]) / error).max() <= np.quantile(largest, level)
    return kept


def all_at_once(grades: Array, codes: Codes, level: float = 0.9, seed: int = 0) -> tuple[Array, Array]:
    """Ends (C,) of intervals that hold the accuracies of all cells at once, with a chance of `level`.

    Use it to say of one of many cells, whichever was looked for, that it reaches a target or cannot. Arguments and
    source as of `may_be_best`.
    """
    means, sums, noise, floor = _noise(grades, codes, seed)
    error = np.sqrt((sums**2).sum(axis=1) + floor)
    half = np.quantile(np.abs(noise / error).max(axis=1), level) * error
    return means - half, means + half


def _noise(grades: Array, codes: Codes, seed: int) -> tuple[Array, Array, Array, float]:
    """Means (C,), what each group adds to their errors (C, G), draws of those errors (DRAWS, C), and half a problem."""
    codes = np.unique(codes, return_inverse=True)[1]
    count, means = grades.shape[1], grades.mean(axis=1)
    sums: Array = np.stack([np.bincount(codes, row) for row in grades - means[:, None]]).astype(float)
    groups = sums.shape[1]
    sums *= np.sqrt(groups / (groups - 1)) / count
    noise = np.random.default_rng(seed).standard_normal((DRAWS, groups)) @ sums.T
    return means, sums, noise, 1 / (count + 2) ** 2


def folds_of(codes: Codes, folds: int = FOLDS, seed: int = 0) -> Codes:
    """A fold for each problem, all problems of a group in one."""
    groups = int(codes.max()) + 1
    order = np.random.default_rng(seed).permutation(groups)
    return (order % min(folds, groups))[codes]


def on_others(codes: Codes, choose: Callable[[NDArray[np.bool_]], Chosen], seed: int = 0) -> list[tuple[NDArray[np.bool_], Chosen]]:  # fmt: skip
    """What is chosen on all other folds, with the problems of each fold that it is to be judged on.

    What was chosen because it looked good looks better than it is on the problems it was chosen on; on others it does
    not. This is cross-fitting (Chernozhukov et al. 2018, Econometrics Journal 21(1)).
    """
    folds = folds_of(codes, seed=seed)
    return [(folds == fold, choose(folds != fold)) for fold in range(int(folds.max()) + 1)]
