"""Joint draws of a fit from resamples that the caller chose, so that fits of different tables can share them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allometry.fits._problem import Problem
from allometry.fits._resampling import WARM_DAMPING, WARM_STEPS, WIDER_STARTS, _Refits, _spot_checks, _spots
from allometry.fits._solver import solve
from allometry.fits.fit import Fit
from allometry.fits.fitting import rebind

Array = NDArray[np.float64]


def redraw(fitted: Fit, weights: Array, kind: str) -> Fit:
    """The same fit with draws that are refits under row weights (B, n), one a resample.

    Use it where two fits must see the same resamples, such as arms of one design: give both the same counts of
    what they share. Not for intervals of one fit: `fit` resamples by itself.

    Arguments: `weights` multiply the rows' own weights, such as how often each row was drawn; `kind` says in words
    what they are and becomes `interval_kind`. Refits start from the minimum; a sample of them is checked against
    many starts, and where those find less, all are refitted from several.
    Resamples that do not converge, or keep fewer rows than free parameters, are left out; `draw_numbers` says which stay.

    >>> from allometry.fits import Settings, fit
    >>> from allometry.runs import Rows
    >>> x = np.geomspace(1e18, 1e22, 12)
    >>> loss = 50 * x**-0.07 * np.exp(np.random.default_rng(0).normal(0, 0.01, 12))
    >>> found = fit(Rows({"flops": x}, loss, "loss"), "A * flops**-a", Settings(bootstrap=0))
    >>> twice = redraw(found, np.vstack([np.ones(12), 2 * np.ones(12)]), "the table itself, twice")
    >>> bool(np.allclose(twice.draws, found.estimate, rtol=1e-4)), twice.draw_numbers.tolist()
    (True, [0, 1])
    """
    reduced, problem, minimum = rebind(fitted)
    seed = fitted.settings.seed
    drawn = weights * problem.weights
    means = problem.penalty.draw_means(np.random.default_rng([seed, 1]), len(drawn))
    first = _lowest(problem, minimum[None], drawn, means)
    if _spot_checks(problem, minimum[None], seed, means, first) > 0:
        around = minimum + np.random.default_rng([seed, 4]).standard_normal((WIDER_STARTS, len(minimum)))
        first = _lowest(problem, np.concatenate([minimum[None], around]), drawn, means)
    kept = np.flatnonzero(first.full & first.converged)
    draws = reduced.expand(reduced.compiled.natural(first.q[kept], problem.pivots))
    return replace(fitted, draws=draws, draw_numbers=kept, interval_kind=kind)


def _lowest(problem: Problem, minima: Array, weights: Array, means: Array) -> _Refits:
    """Every resample from every one of the known minima, the lowest of each."""
    batch, every = problem.batch(weights=weights, means=means), np.arange(len(weights))
    found = [solve(problem, np.repeat(q[None], len(weights), 0), batch, WARM_STEPS, WARM_DAMPING) for q in minima]
    best = np.argmin([solution.cost for solution in found], axis=0)
    q, cost, converged = (np.stack(column)[best, every] for column in list(zip(*found, strict=True))[:3])
    full = np.sum(weights > 0, axis=1) >= problem.size - len(problem.penalty.priors)
    return _Refits(q, cost, converged & np.isfinite(cost), full, weights[_spots(len(weights))])
