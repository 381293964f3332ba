"""Vanilla rejection sampling, the line to beat: the same number of trials for each query."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from allometry.data.sampling.rejection.targets import Array, check_rates


class Vanilla(NamedTuple):
    """Of each query (n,): its mean right answers n p, and the chance 1 - (1 - p)^n that it has any."""

    right: Array
    covered: Array


def vanilla(rates: ArrayLike, trials: float) -> Vanilla:
    """What so many trials of each query give: in proportion to how easy it is, and hard ones not at all.

    Source: Tong et al. 2024, arXiv 2407.13690, sec. 2.

    >>> [part.round(2).tolist() for part in vanilla([0.9, 0.01], 10)]
    [[9.0, 0.1], [1.0, 0.1]]
    """
    p = check_rates(rates)
    return Vanilla(trials * p, 1 - (1 - p) ** trials)


def mean_difficulty(counts: ArrayLike, rates: ArrayLike) -> float:
    """The mean fail rate of a training example, where query i has so many examples: low for a set biased to easy ones.

    >>> mean_difficulty([9, 1], [0.9, 0.1])
    0.18
    """
    held = np.asarray(counts, dtype=float)
    return float(np.average(1 - check_rates(rates), weights=held)) if held.sum() > 0 else float("nan")
