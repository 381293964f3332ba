"""Joint draws for a few long curves: errors that follow one another along each run are resampled as they come.

Whole runs are resampled where there are enough of them. With one run or a few that is no spread at all, and single rows
are not independent either, so residuals are drawn from a first-order autoregression fitted to them within the runs
(a sieve bootstrap; Buehlmann 1997, Bernoulli 3, 123, of order one).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allometry.fits._problem import Problem
from allometry.fits._resampling import Array, Draws, refit_targets

FEWEST_RUNS = 5  # below it whole runs are not resampled
MOST_CORRELATED = 0.99


def curves(problem: Problem, minima: Array, draws: int, runs: Array, place: Array, seed: int) -> tuple[Draws, float]:
    """Refits to curves with errors simulated along each run, and the correlation of neighbouring errors.

    Rows of one run are neighbours in the order of `place` (n,), an axis that moves along it. The correlation is corrected for what a short run
    hides of it (Kendall 1954), errors for the share of their variance the fit absorbed.
    """
    curve = problem.compiled.predictions(minima[:1], problem.inputs)[0]
    own = curve - problem.target
    order = np.lexsort((place, runs))
    first = np.append(True, np.diff(np.unique(runs, return_inverse=True)[1][order]) != 0)
    correlation, steps = _autoregression(own[order] - own.mean(), first)
    generator = np.random.default_rng(seed)
    errors = np.empty((draws, problem.rows))
    errors[:, order] = _simulated(correlation, steps, first, draws, generator)
    spare = max(1.0, problem.rows * (1 - correlation) / (1 + correlation) - problem.size)
    independent = spare + problem.size
    targets = curve + errors * np.sqrt(independent / spare)
    return refit_targets(problem, minima, targets, seed), correlation


def _autoregression(own: Array, first: Array) -> tuple[float, Array]:
    """The correlation of neighbours within runs, and the centred steps that it leaves."""
    here, before = own[1:][~first[1:]], own[:-1][~first[1:]]
    plain = float(here @ before / max(float(before @ before), 1e-300))
    corrected = plain + (1 + 3 * plain) / max(len(here), 1)
    correlation = float(np.clip(corrected, 0.0, MOST_CORRELATED))
    steps = here - correlation * before
    return correlation, steps - steps.mean()


def _simulated(correlation: float, steps: Array, first: Array, draws: int, generator: np.random.Generator) -> Array:
    """Errors (draws, n): each run begins at the spread that its errors settle at."""
    drawn = steps[generator.integers(len(steps), size=(draws, len(first)))]
    errors = np.empty_like(drawn)
    for row, begins in enumerate(first):
        settled = drawn[:, row] / np.sqrt(1 - correlation**2)
        errors[:, row] = settled if begins else correlation * errors[:, row - 1] + drawn[:, row]
    return errors


def place_along(axes: Mapping[str, Array], runs: Array) -> Array:
    """The axis (n,) that moves most often from row to row within runs: compute, tokens or area, whatever the law has."""
    order = np.argsort(runs, kind="stable")
    same = np.diff(np.unique(runs, return_inverse=True)[1][order]) == 0
    moves = {name: int(np.sum(np.diff(np.asarray(column)[order])[same] != 0)) for name, column in axes.items()}
    return np.asarray(axes[max(moves, key=moves.__getitem__)])
