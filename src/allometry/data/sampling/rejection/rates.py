"""Pass rates that are consistent with counts: draws of all queries' rates, the spread of rates over queries fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaln

from allometry.data.sampling.rejection.targets import Array
from allometry.notices import Refused

# Refits of the spread to resampled queries: enough that what the spread itself may be shows in a 90% interval.
REFITS = 24
# A weak prior on log(a + b): two pseudo-samples, within a factor of about 5 either way. Assumed.
_PRIOR = (np.log(2.0), 1.6)


def draw_rates(successes: ArrayLike, trials: ArrayLike, draws: int, rng: np.random.Generator) -> Array:
    """Pass rates (draws, n) that counts (n,) leave open.

    Each query's rate is drawn from its posterior under a Beta(a, b) over queries, and a and b are fitted anew to
    resampled queries, so that what few queries say of the spread is not taken for known. Use it before a forecast that
    must hold for queries without a success: their rates then follow from how the others are spread.
    Errors: `Refused` for counts that cannot be.

    >>> found = draw_rates([0, 5, 10], [10, 10, 10], 400, np.random.default_rng(0))
    >>> bool((np.diff(found.mean(axis=0)) > 0).all()), found.shape
    (True, (400, 3))
    """
    right, drawn = check_counts(successes, trials)
    found = np.empty((draws, len(right)))
    for refit, rows in enumerate(np.array_split(np.arange(draws), min(REFITS, draws))):
        chosen = np.arange(len(right)) if refit == 0 else rng.integers(len(right), size=len(right))
        a, b = fit_beta(right[chosen], drawn[chosen])
        found[rows] = rng.beta(a + right, b + drawn - right, size=(len(rows), len(right)))
    return found


def fit_beta(successes: Array, trials: Array) -> tuple[float, float]:
    """The Beta(a, b) of pass rates under which counts of queries are likeliest, weakly held to a + b near 2.

    >>> a, b = fit_beta(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9] * 9), np.full(81, 10.0))
    >>> round(a / (a + b), 2)
    0.5
    """
    pairs, weights = np.unique(np.column_stack([successes, trials]), axis=0, return_counts=True)
    right, drawn = pairs.T

    def cost(at: Array) -> float:
        total = np.exp(at[1])
        a, b = total / (1 + np.exp(-at[0])), total / (1 + np.exp(at[0]))
        likelihood = weights @ (betaln(a + right, b + drawn - right) - betaln(a, b))
        return float(-likelihood + 0.5 * ((at[1] - _PRIOR[0]) / _PRIOR[1]) ** 2)

    mean = (right @ weights + 0.5) / (drawn @ weights + 1)
    start = np.array([np.log(mean / (1 - mean)), _PRIOR[0]])
    logit, total = minimize(cost, start, method="L-BFGS-B", bounds=[(-15, 15), (-4, 8)]).x
    return float(np.exp(total) / (1 + np.exp(-logit))), float(np.exp(total) / (1 + np.exp(logit)))


def check_counts(successes: ArrayLike, trials: ArrayLike) -> tuple[Array, Array]:
    """Counts as arrays (n,).

    Errors: `Refused` for no queries, and for more successes than trials.

    >>> check_counts([3], [2])
    Traceback (most recent call last):
    allometry.notices.Refused: query 0 has 3 right of 2 (pass rates): give counts of right answers and of all
    """
    right, drawn = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    if right.ndim != 1 or right.shape != drawn.shape or not len(right):
        raise Refused("no-queries", "there are no counts of queries", "pass rates", "give two numbers a query")
    wrong = np.flatnonzero(~((right >= 0) & (right <= drawn)))
    if len(wrong):
        i = wrong[0]
        raise Refused("bad-counts", f"query {i} has {right[i]:g} right of {drawn[i]:g}", "pass rates",
                      "give counts of right answers and of all")  # fmt: skip
    return right, drawn
