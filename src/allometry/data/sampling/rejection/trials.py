"""Trials until a query has its right answers or its cap is met: the negative binomial, truncated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from allometry.data.sampling.rejection.targets import Array


class CappedTrials(NamedTuple):
    """Of each query (n,): mean and standard deviation of its trials, its mean right answers, the chance to meet its target."""

    mean: Array
    sd: Array
    right: Array
    met: Array


def capped_trials(rates: ArrayLike, targets: ArrayLike, cap: ArrayLike) -> CappedTrials:
    """What sampling each query until `targets` answers are right, or `cap` are drawn, takes; exact, with known pass rates.

    Arguments: `rates` in 0 to 1, `targets` from 0 and `cap` from 0, each (n,) or one for all; an infinite cap is none,
    and then the mean is k/p and the variance k(1-p)/p^2.

    For T = min(N, c), N negative binomial, with F(j, n) = P(Binomial(n, p) >= j):
    E T = (k/p) F(k+1, c+1) + c (1 - F(k, c)) and E T(T+1) = k(k+1)/p^2 F(k+2, c+2) + c(c+1) (1 - F(k, c)).

    >>> [round(float(part[0]), 3) for part in capped_trials([0.25], 2, np.inf)]
    [8.0, 4.899, 2.0, 1.0]
    >>> [round(float(part[0]), 3) for part in capped_trials([0.5], 1, 2)]
    [1.5, 0.5, 0.75, 0.75]
    >>> capped_trials([0.5, 0.0], 2, np.inf).sd.tolist()
    [2.0, inf]
    """
    p, k, c = np.broadcast_arrays(*(np.atleast_1d(np.asarray(given, dtype=float)) for given in (rates, targets, cap)))
    met = _at_least(k, c, p)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = _part(k / p * _at_least(k + 1, c + 1, p), k, p) + _missed(c, met)
        second = _part(k * (k + 1) / p**2 * _at_least(k + 2, c + 2, p), k, p) + _missed(c * (c + 1), met)
        sd = np.where(np.isfinite(mean), np.sqrt(np.maximum(second - mean - mean**2, 0.0)), np.inf)
    right = k * met + np.where(np.isfinite(c), np.where(np.isfinite(c), c, 0) * p * (1 - _at_least(k - 1, c - 1, p)), 0)
    return CappedTrials(mean, sd, np.where(k > 0, right, 0.0), met)


def _part(values: Array, k: Array, p: Array) -> Array:
    """What the met targets bring: nothing for no target, nothing where no answer is ever right."""
    return np.where((k > 0) & (p > 0), values, 0.0)


def _missed(values: Array, met: Array) -> Array:
    """What the missed targets bring: nothing where none is missed, be the cap infinite."""
    return np.where(met < 1, np.where(met < 1, values, 0) * (1 - met), 0.0)


def _at_least(k: Array, n: Array, p: Array) -> Array:
    """P(Binomial(n, p) >= k); 1 for k <= 0, 0 for k > n, and without end 1 where p > 0."""
    endless, sure, never = np.isinf(n), k <= 0, k > n
    inside = ~(endless | sure | never)
    found = betainc(np.where(inside, k, 1.0), np.where(inside, n - k + 1, 1.0), p)
    return np.where(sure, 1.0, np.where(never, 0.0, np.where(endless, (p > 0).astype(float), found)))
