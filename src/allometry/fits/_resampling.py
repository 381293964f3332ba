"""Joint draws of the parameters by resampling rows, runs or residuals, from warm starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np

from allometry.fits._idle import with_idle_back
from allometry.fits._problem import Batch, Problem
from allometry.fits._solver import solve

Array: TypeAlias = np.ndarray
WARM_DAMPING, WARM_STEPS = 0.1, 200
SPOT_CHECKS, SPOT_STARTS = 16, 8
WIDER_STARTS = 4
BLOCK_ELEMENTS = 1_000_000  # row weights held at once: 8 MB
SPOT_GAP = 1e-5  # relative cost by which a multi-start may beat a warm start unnoticed
SPOT_ROWS = 20_000  # above it a spot check costs more than the resampling it checks
Tick: TypeAlias = Callable[[int], None]


def ignore(_: int) -> None:
    """Report no progress."""


class Draws(NamedTuple):
    """Coordinates (B', p) of the kept resamples, their numbers (B',), and why others are absent.

    `unconverged` and `deficient` count resamples dropped; `missed` is the share of spot-checked
    resamples where many starts found a lower minimum than the warm start.
    """

    q: Array
    numbers: Array
    unconverged: int
    deficient: int
    missed: float


def pairs(problem: Problem, minima: Array, draws: int, cluster: Array | None, seed: int, tick: Tick = ignore) -> Draws:
    """Resample rows (or whole clusters) with replacement and refit each resample.

    Refits start from the best minimum; a sample of them is checked against many starts, and where
    those find less, every resample is refitted from every known minimum.
    """
    means = problem.penalty.draw_means(np.random.default_rng([seed, 1]), draws)
    own = with_idle_back(problem, minima[0])
    first = _refit(problem, own, cluster, seed, means, tick)
    spots = _spot_checks(problem, minima, seed, means, first)
    if spots > 0:
        wider = np.concatenate([own, minima[1:], _around(minima[0], WIDER_STARTS, seed)])
        first = _refit(problem, wider, cluster, seed, means, ignore)
        spots = _spot_checks(problem, wider, seed, means, first)
    kept = np.flatnonzero(first.full & first.converged)
    deficient = int(np.sum(~first.full))
    return Draws(first.q[kept], kept, draws - deficient - len(kept), deficient, spots)


def residuals(problem: Problem, minima: Array, draws: int, seed: int) -> Draws:
    """Resample centred residuals onto the fitted curve: for few runs, where rows cannot be left out.

    Residuals are inflated by sqrt(n / (n - p)), for the share of their variance the fit absorbed.
    """
    generator = np.random.default_rng(seed)
    curve = problem.compiled.predictions(minima[:1], problem.inputs)[0]
    own = problem.target - curve
    spare = max(1, problem.rows - problem.size)
    own = (own - own.mean()) * np.sqrt(problem.rows / spare)
    return refit_targets(
        problem, minima, curve + own[generator.integers(problem.rows, size=(draws, problem.rows))], seed
    )


def refit_targets(problem: Problem, minima: Array, targets: Array, seed: int) -> Draws:
    """Refit simulated targets (draws, n) from the best minimum."""
    draws = len(targets)
    means = problem.penalty.draw_means(np.random.default_rng([seed, 1]), draws)
    q, cost, converged = lowest(
        problem, with_idle_back(problem, minima[0]), problem.batch(target=targets, means=means), draws
    )
    kept = np.flatnonzero(converged & np.isfinite(cost))
    return Draws(q[kept], kept, draws - len(kept), 0, 0.0)


def lowest(problem: Problem, minima: Array, batch: Batch, draws: int) -> tuple[Array, Array, Array]:
    """Coordinates (B, p), costs (B,) and whether converged (B,): every resample from every known minimum, its lowest."""
    found = [solve(problem, np.repeat(q[None], draws, axis=0), batch, WARM_STEPS, WARM_DAMPING) for q in minima]
    best = np.argmin([solution.cost for solution in found], axis=0)
    q, cost, converged = (np.stack(column)[best, np.arange(draws)] for column in list(zip(*found, strict=True))[:3])
    return q, cost, converged


def _around(q: Array, count: int, seed: int) -> Array:
    """Points (count, p) about coordinates (p,), a unit (a factor of e for positive parameters) apart."""
    return q + np.random.default_rng([seed, 4]).standard_normal((count, len(q)))


class _Refits(NamedTuple):
    """All resamples (B,): coordinates, cost, whether converged, whether enough rows were drawn,
    and the row weights of the resamples that are checked."""

    q: Array
    cost: Array
    converged: Array
    full: Array
    spots: Array


def _weights(problem: Problem, cluster: Array | None, seed: int) -> Iterator[Array]:
    """Row weights (n,) of one resample after another, the same whatever the chunking."""
    generator = np.random.default_rng(seed)
    groups = np.arange(problem.rows) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    count = int(groups.max()) + 1
    while True:
        yield np.bincount(generator.integers(count, size=count), minlength=count)[groups] * problem.weights


def _refit(problem: Problem, minima: Array, cluster: Array | None, seed: int, means: Array, tick: Tick) -> _Refits:
    weights, parts = _weights(problem, cluster, seed), list[_Refits]()
    block = max(problem.chunk, BLOCK_ELEMENTS // problem.rows)
    needed, chosen = problem.size - len(problem.penalty.priors), _spots(len(means))
    for first in range(0, len(means), block):
        some = means[first : first + block]
        batch = problem.batch(weights=np.stack(list(islice(weights, len(some)))), means=some)
        q, cost, converged = lowest(problem, minima, batch, len(some))
        full = np.sum(batch.weights > 0, axis=1) >= needed
        checked = chosen[(chosen >= first) & (chosen < first + len(some))] - first
        parts.append(_Refits(q, cost, converged & np.isfinite(cost), full, batch.weights[checked]))
        tick(len(some))
    return _Refits(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _spots(draws: int) -> Array:
    """Numbers of the resamples that are checked, spread evenly."""
    return np.unique(np.linspace(0, draws - 1, min(SPOT_CHECKS, draws)).astype(int))


def _spot_checks(problem: Problem, minima: Array, seed: int, means: Array, refits: _Refits) -> float:
    """Share of some evenly spaced resamples for which starts spread around the known minima find less."""
    if problem.rows > SPOT_ROWS:
        return 0.0
    chosen, weights = _spots(len(means)), refits.spots
    member = np.repeat(np.arange(len(chosen)), SPOT_STARTS)
    spread = np.random.default_rng(seed).standard_normal((len(member), problem.size))
    q = minima[np.arange(len(member)) % len(minima)] + spread
    found = solve(problem, q, problem.batch(weights=weights[member], means=means[chosen][member]), WARM_STEPS)
    least = found.cost.reshape(len(chosen), SPOT_STARTS).min(axis=1)
    known = refits.cost[chosen]
    return float(np.mean(least < known * (1 - SPOT_GAP) - 1e-24 * problem.rows))
