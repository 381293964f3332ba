"""Pass rates that are consistent with counts: draws of all queries' rates, and of how rates are spread over queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln, log_expit

from allometry.data.sampling.rejection.targets import Array
from allometry.notices import Refused

# Weak priors, assumed: Beta(1/2, 1/2) on the mean a / (a + b), by its pseudo-counts, so that a pilot in which nothing is
# right, or everything, leaves the mean open; on log(a + b) two pseudo-samples, within a factor of about 5 either way.
_MEAN, _SIZE = 0.5, (np.log(2.0), 1.6)
# The grid of logit(a / (a + b)) and log(a + b), drawn closer about what is within so many nats of the best.
_ENDS, _CELLS, _ROUNDS, _NEAR = ((-15.0, 15.0), (-4.0, 8.0)), 33, 4, 12.0


def draw_rates(successes: ArrayLike, trials: ArrayLike, draws: int, rng: np.random.Generator) -> Array:
    """Pass rates (draws, n) that counts (n,) leave open.

    Each query's rate is drawn from its posterior under a Beta(a, b) over queries, and a and b from theirs, so that what
    few queries say of the spread is not taken for known. Use it before a forecast that must hold for queries without a
    success: their rates then follow from how the others are spread.
    Errors: `Refused` for counts that cannot be.

    >>> found = draw_rates([0, 5, 10], [10, 10, 10], 400, np.random.default_rng(0))
    >>> bool((np.diff(found.mean(axis=0)) > 0).all()), found.shape
    (True, (400, 3))
    """
    right, drawn = check_counts(successes, trials)
    a, b = draw_spreads(right, drawn, draws, rng)
    return rng.beta(a + right, b + drawn - right)


def expected_rates(successes: ArrayLike, trials: ArrayLike, *, draws: int = 240, seed: int = 0) -> Array:
    """The mean (n,) of the pass rates that counts (n,) leave open: above 0 without a success, below 1 without a failure.

    Use it where raw shares would call a query impossible after 8 trials.

    >>> bool((0 < expected_rates([0, 5, 10], [10, 10, 10])).all())
    True
    """
    right, drawn = check_counts(successes, trials)
    a, b = draw_spreads(right, drawn, draws, np.random.default_rng(seed))
    pairs, which = alike(right, drawn)
    return np.array([((a + r) / (a + b + n)).mean() for r, n in pairs])[which]


def alike(right: Array, drawn: Array) -> tuple[Array, NDArray[np.int64]]:
    """The different counts (k, 2), and which of them each query has (n,)."""
    pairs, which = np.unique(np.column_stack([right, drawn]), axis=0, return_inverse=True)
    return pairs, which.reshape(-1)


def draw_spreads(successes: Array, trials: Array, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The a and b, (draws, 1) each, of the Beta(a, b) over queries, from their posterior by counts (n,).

    >>> a, b = draw_spreads(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9] * 9), np.full(81, 10.0), 400, np.random.default_rng(0))
    >>> round(float((a / (a + b)).mean()), 1)
    0.5
    """
    axes, chances = _posterior(successes, trials)
    cells = np.unravel_index(rng.choice(chances.size, size=draws, p=chances.ravel()), chances.shape)
    logit, log_size = (
        axis[cell] + (axis[1] - axis[0]) * (rng.random(draws) - 0.5) for axis, cell in zip(axes, cells, strict=True)
    )
    size = np.exp(log_size)
    return (size * expit(logit))[:, None], (size * expit(-logit))[:, None]


def _posterior(right: Array, drawn: Array) -> tuple[tuple[Array, Array], Array]:
    """The axes (m,) of logit and log size, and the chance of each cell between them (m, m)."""
    ends = _ENDS
    for _ in range(_ROUNDS):
        axes = np.linspace(*ends[0], _CELLS), np.linspace(*ends[1], _CELLS)
        logs = _log_posterior(axes[0][:, None], axes[1], right, drawn)
        near = logs > logs.max() - _NEAR
        ends = _around(axes[0], near.any(1)), _around(axes[1], near.any(0))
    chances = np.exp(logs - logs.max())
    return axes, chances / chances.sum()


def _around(axis: Array, near: NDArray[np.bool_]) -> tuple[float, float]:
    """The ends of what is near on an axis, with a cell more on either side."""
    inside = np.flatnonzero(near)
    return float(axis[max(inside[0] - 1, 0)]), float(axis[min(inside[-1] + 1, len(axis) - 1)])


def _log_posterior(logit: Array, log_size: Array, right: Array, drawn: Array) -> Array:
    """The log-posterior of the beta-binomial, but for a constant."""
    size = np.exp(log_size)
    prior = _MEAN * (log_expit(logit) + log_expit(-logit)) - 0.5 * ((log_size - _SIZE[0]) / _SIZE[1]) ** 2
    hits, misses = _rising(size * expit(logit), right), _rising(size * expit(-logit), drawn - right)
    return np.asarray(prior + hits + misses - _rising(size, drawn))


def _rising(start: Array, counts: Array) -> Array:
    """The sum over queries of log Gamma(start + count) - log Gamma(start)."""
    found, base = np.zeros_like(start), gammaln(start)
    for value, times in zip(*np.unique(counts, return_counts=True), strict=True):
        found += times * (gammaln(start + value) - base)
    return found


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
