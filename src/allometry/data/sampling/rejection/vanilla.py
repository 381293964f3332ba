"""Vanilla rejection sampling, the line to beat: the same number of trials for each query."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln

from allometry.data.sampling.rejection.rates import alike, check_counts, draw_spreads
from allometry.data.sampling.rejection.targets import Array, check_rates


class Vanilla(NamedTuple):
    """Of each query (n,): its mean right answers n p, and the chance 1 - (1 - p)^n that it has any; and of all of them
    the mean fail rate of a right answer.
    """

    right: Array
    covered: Array
    difficulty: float


def vanilla(rates: ArrayLike, trials: float) -> Vanilla:
    """What so many trials of each query give: in proportion to how easy it is, and hard ones not at all.

    Use it where the pass rates are known; raw shares of a few trials are not, see `vanilla_of_counts`.
    Source: Tong et al. 2024, arXiv 2407.13690, sec. 2.

    >>> [part.round(2).tolist() for part in vanilla([0.9, 0.01], 10)[:2]]
    [[9.0, 0.1], [1.0, 0.1]]
    """
    p = check_rates(rates)
    return Vanilla(trials * p, 1 - (1 - p) ** trials, mean_difficulty(trials * p, p))


def vanilla_of_counts(
    successes: ArrayLike, counted: ArrayLike, trials: float, *, draws: int = 240, seed: int = 0
) -> Vanilla:
    """What so many trials of each query are expected to give, with the pass rates that counts leave open.

    Use it in place of `vanilla` where rates are measured: a query with 0 of 8 right is not one that never is. Arguments:
    `successes` of `counted` trials (n,), and the `trials` of each that are asked about.
    Source: the moments of Beta(a + r, b + n - r), averaged over what a and b may be.

    >>> vanilla_of_counts([0, 4, 8], [8, 8, 8], 20).covered.round(1).tolist()
    [0.4, 1.0, 1.0]
    """
    right, drawn = check_counts(successes, counted)
    a, b = draw_spreads(right, drawn, draws, np.random.default_rng(seed))
    pairs, which = alike(right, drawn)
    rate, hard, none = np.array([_moments(a + r, b + n - r, trials) for r, n in pairs]).T[:, which]
    return Vanilla(trials * rate, 1 - none, float(hard.sum() / rate.sum()))


def _moments(a: Array, b: Array, trials: float) -> tuple[float, float, float]:
    """The means of p, of p (1 - p) and of (1 - p)^trials over Beta(a, b)."""
    size = a + b
    none = np.exp(betaln(a, b + trials) - betaln(a, b))
    return float((a / size).mean()), float((a * b / size / (size + 1)).mean()), float(none.mean())


def mean_difficulty(counts: ArrayLike, rates: ArrayLike) -> float:
    """The mean fail rate of a training example, where query i has so many examples: low for a set biased to easy ones.

    >>> mean_difficulty([9, 1], [0.9, 0.1])
    0.18
    """
    held = np.asarray(counts, dtype=float)
    return float(np.average(1 - check_rates(rates), weights=held)) if held.sum() > 0 else float("nan")
