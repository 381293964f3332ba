"""Joint draws of a fit from resamples that the caller chose, so that fits of different tables can share them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allometry.fits._idle import with_idle_back
from allometry.fits._problem import Problem
from allometry.fits._resampling import WIDER_STARTS, _Refits, _spot_checks, _spots, lowest
from allometry.fits.fit import Fit
from allometry.fits.fitting import rebind
from allometry.runs import Rows

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
    means = problem.penalty.draw_means(np.random.default_rng([seed, 1]), len(weights))
    first = _refitted(problem, minimum[None], weights, means, seed)
    kept = np.flatnonzero(first.full & first.converged)
    draws = reduced.expand(reduced.compiled.natural(first.q[kept], problem.pivots))
    return replace(fitted, draws=draws, draw_numbers=kept, interval_kind=kind)


def reweigh(fitted: Fit, rows: Rows, weights: Array, starts: Array) -> Array:
    """Estimates (B, P) of the fit's law under its settings, on other rows that count as `weights` (B, n) say.

    Use it to ask what single rows do to an answer: each member of the batch leaves some in and others out. Delta and the
    strength of priors are those of the fit. Not for intervals: priors are not redrawn.

    Arguments: `rows` have the axes and the metric of the fit; `starts` (k, P) are known minima, in natural values.
    A member that does not converge, or keeps fewer rows than free parameters, is NaN.

    >>> from allometry.fits import Settings, fit
    >>> x = np.geomspace(1e18, 1e22, 12)
    >>> rows = Rows({"flops": x}, 50 * x**-0.07 * np.exp(np.random.default_rng(0).normal(0, 0.01, 12)), "loss")
    >>> found = fit(rows, "A * flops**-a", Settings(bootstrap=0))
    >>> every = reweigh(found, rows, np.ones((1, 12)), found.estimate[None])
    >>> bool(np.allclose(every, found.estimate, rtol=1e-4))
    True
    """
    reduced, problem, _ = rebind(fitted, rows)
    free = [fitted.law.parameter_names.index(name) for name in reduced.free]
    minima = reduced.compiled.internal(starts[:, free], problem.pivots)
    means = np.repeat(problem.penalty.means[None], len(weights), axis=0)
    found = _refitted(problem, minima, weights, means, fitted.settings.seed)
    estimates = reduced.expand(reduced.compiled.natural(found.q, problem.pivots))
    return np.where((found.full & found.converged)[:, None], estimates, np.nan)


def _refitted(problem: Problem, minima: Array, weights: Array, means: Array, seed: int) -> _Refits:
    """Refits from the known minima; from more starts about them where a sample of members shows that those find less."""
    drawn = weights * problem.weights
    minima = np.concatenate([with_idle_back(problem, minima[0]), minima[1:]])
    first = _lowest(problem, minima, drawn, means)
    if _spot_checks(problem, minima, seed, means, first) > 0:
        around = minima[0] + np.random.default_rng([seed, 4]).standard_normal((WIDER_STARTS, minima.shape[1]))
        first = _lowest(problem, np.concatenate([minima, around]), drawn, means)
    return first


def _lowest(problem: Problem, minima: Array, weights: Array, means: Array) -> _Refits:
    """Every resample from every one of the known minima, the lowest of each."""
    q, cost, converged = lowest(problem, minima, problem.batch(weights=weights, means=means), len(weights))
    full = np.sum(weights > 0, axis=1) >= problem.size - len(problem.penalty.priors)
    return _Refits(q, cost, converged & np.isfinite(cost), full, weights[_spots(len(weights))])
