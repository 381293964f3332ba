"""Which of many cells may be the best one, and choosing on some problems to be judged on others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Folds:
    """The fold of each problem, all problems of a group in one."""

    numbers: Codes

    @staticmethod
    def of(codes: Codes, folds: int = FOLDS, seed: int = 0) -> Folds:
        """Folds of like numbers of groups."""
        groups = int(codes.max()) + 1
        order = np.random.default_rng(seed).permutation(groups)
        return Folds((order % min(folds, groups))[codes])

    def on_others(self, choose: Callable[[NDArray[np.bool_]], Chosen]) -> list[Chosen]:
        """What is chosen on all problems but those of each fold, which it can then be judged on."""
        return [choose(self.numbers != fold) for fold in range(int(self.numbers.max()) + 1)]


@dataclass(frozen=True)
class Judged:
    """Values of problems (grades, costs) under the choice of each fold's others (K, N), and under that of all (N,).

    What was chosen because it looked good looks better than it is, on the problems it was chosen on.
    """

    numbers: Codes
    chosen: Array
    whole: Array

    @property
    def held_out(self) -> Array:
        """(N,) under the choices that did not see the problem: cross-fitting (Chernozhukov et al. 2018, Econometrics Journal 21(1))."""
        return self.chosen[self.numbers, np.arange(len(self.numbers))]

    @property
    def of_whole(self) -> Array:
        """(N,) whose mean is what the choice of all comes to, less what folds' choices lose on problems they did not see.

        The choices of folds may be other cells, of other costs; so it is not their own values that are taken but what
        they lose: what they come to on the problems that they saw, less that on those held out. Each is taken from its
        own mean, so that how far apart the choices are does not pass for noise of problems.
        """
        apart = self.chosen - self.chosen.mean(axis=1, keepdims=True)
        own = apart[self.numbers, np.arange(len(self.numbers))]
        seen = (apart.sum(axis=0) - own) / (len(apart) - 1)
        return self.whole - (seen - own)

    @property
    def correction(self) -> float:
        """What is taken off the mean on the problems that were chosen on."""
        return float(self.whole.mean() - self.of_whole.mean())
