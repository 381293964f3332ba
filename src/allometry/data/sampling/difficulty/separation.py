"""How well a score of difficulty tells what fails from what succeeds: the area under the ROC curve, with its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from allometry.data.sampling.rejection.rates import check_counts
from allometry.data.sampling.rejection.targets import Array
from allometry.notices import Interval, Refused

RESAMPLES = 1000


def separation(
    scores: ArrayLike, successes: ArrayLike, trials: ArrayLike, *, level: float = 0.9, seed: int = 0
) -> Interval:
    """The chance that a failed trial has the higher score than a solved one, equal scores counting half: AUC.

    Use it to hold a cheap score of difficulty against measured pass rates; 1/2 is chance. Each trial of a problem
    counts by itself, so that a problem solved half the time is neither hard nor easy, and whole problems are resampled
    for the interval. Arguments: `scores` (n,), higher for harder; `successes` of `trials` (n,).
    Errors: `Refused` where nothing failed or everything did. Source: Mann and Whitney 1947; the percentile bootstrap.

    >>> separation([0.1, 0.2, 0.8, 0.9], [4, 4, 0, 0], [4, 4, 4, 4]).value
    1.0
    """
    right, drawn = check_counts(successes, trials)
    hard = np.asarray(scores, dtype=float)
    if hard.shape != right.shape or not np.isfinite(hard).all():
        raise Refused("bad-score", "scores must be one finite number a problem", "scores", "leave out what has none")
    wrong = drawn - right
    if not wrong.any() or not right.any():
        raise Refused("one-sided", f"{'no' if not wrong.any() else 'every'} trial failed, so there is nothing to tell apart",
                      "pass rates", "take problems of mixed difficulty")  # fmt: skip
    ranks = rankdata(hard, method="dense").astype(int) - 1
    rng, size = np.random.default_rng(seed), len(hard)
    resamples = (np.bincount(rng.integers(size, size=size), minlength=size) for _ in range(RESAMPLES))
    found = [_area(ranks, counts * wrong, counts * right) for counts in resamples]
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(_area(ranks, wrong, right), float(low), float(high))


def _area(ranks: NDArray[np.int64], wrong: Array, right: Array) -> float:
    """The area by weights (n,) of what failed and what was solved; NaN where one kind is missing."""
    failed, solved = np.bincount(ranks, wrong), np.bincount(ranks, right)
    below = np.cumsum(solved) - solved / 2
    pairs = failed.sum() * solved.sum()
    return float(failed @ below / pairs) if pairs else float("nan")
