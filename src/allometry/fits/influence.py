"""Which few rows move the answer, shown beside what the same search finds where nothing is wrong.

Removing the worst twelve rows of any table moves something. So the set found is a finding only
when it moves the quantity further than the same search does on tables simulated from the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from allometry.fits._problem import Batch, Problem, State
from allometry.fits._reduced import Reduced
from allometry.fits._solver import solve
from allometry.fits.objectives import robust_scale
from allometry.laws import Law

Array: TypeAlias = np.ndarray
Quantity: TypeAlias = Callable[[Law, Array], Array]
"""A number the caller cares about: (law, natural parameters (B, P)) -> (B,), compared on a log scale."""

SHARE = 0.05
SIMULATIONS = 20
MOST_ROWS = 5_000
MOST_STEPS = 12
REFIT_STEPS = 25


@dataclass(frozen=True)
class Influence:
    """The found rows (numbers of the table as given), the factor by which leaving them out changes the
    quantity, and the factors the same search reaches on simulated tables (`expected`, largest first)."""

    rows: tuple[int, ...]
    quantity: str
    effect: float
    expected: tuple[float, ...]

    @property
    def finding(self) -> bool:
        """Whether the effect exceeds every simulated one."""
        return abs(np.log(self.effect)) > max(abs(np.log(self.expected)), default=0.0)


class _Chain(NamedTuple):
    """One greedy removal: which table it works on, its direction (+1 or -1) and its first rows."""

    table: int
    direction: int
    first: Array


def influence(
    reduced: Reduced, problem: Problem, q: Array, numbers: Array, quantities: Mapping[str, Quantity], seed: int
) -> tuple[Influence, ...]:
    """The set of at most 5% of the rows whose joint removal moves each quantity most.

    Greedy with refits, both ways, started from the largest residuals, the largest leave-one-out
    effects and the extreme values of every axis; the same on 20 tables of resampled residuals.
    """
    if problem.rows > MOST_ROWS or problem.rows < 2 * problem.size + 2:
        return ()
    tables = _tables(problem, q, seed)
    start = solve(problem, np.repeat(q[None], len(tables), axis=0), problem.batch(target=tables), 60, 1e-2).q
    found = [_search(reduced, problem, start, tables, quantity) for quantity in quantities.values()]
    results = [
        Influence(
            tuple(int(numbers[i]) for i in rows), name, effect, tuple(sorted(null, key=lambda f: -abs(np.log(f))))
        )
        for name, (rows, effect, null) in zip(quantities, found, strict=True)
    ]
    return tuple(sorted(results, key=lambda item: -abs(np.log(item.effect))))


def _tables(problem: Problem, q: Array, seed: int) -> Array:
    """Targets (1 + simulations, n): the measured ones, then the fitted curve with resampled residuals."""
    curve = problem.compiled.predictions(q[None], problem.inputs)[0]
    own = problem.target - curve
    drawn = np.random.default_rng([seed, 2]).integers(problem.rows, size=(SIMULATIONS, problem.rows))
    return np.concatenate([problem.target[None], curve + own[drawn]])


def _search(
    reduced: Reduced, problem: Problem, start: Array, tables: Array, quantity: Quantity
) -> tuple[Array, float, list[float]]:
    """Rows and effect of the best removal on the first table, and the effects on the others."""
    base = _value(reduced, problem, start, quantity)
    chains = _chains(reduced, problem, start, tables, quantity)
    budget = max(1, int(SHARE * problem.rows))
    size = max(1, int(np.ceil(budget / MOST_STEPS)))
    removed = np.zeros((len(chains), problem.rows), bool)
    q = np.stack([start[c.table] for c in chains])
    best = [(0.0, np.zeros(problem.rows, bool))] * len(tables)
    for step in range(int(np.ceil(budget / size))):
        pushes = _pushes(reduced, problem, q, _batch(problem, chains, tables, removed), quantity)
        for i, chain in enumerate(chains):
            wanted = (
                chain.first[:size]
                if step == 0
                else np.argsort(-chain.direction * pushes[i] + 1e300 * removed[i])[:size]
            )
            removed[i, wanted[: budget - int(removed[i].sum())]] = True
        q = solve(problem, q, _batch(problem, chains, tables, removed), REFIT_STEPS, 1e-2).q
        moved = _value(reduced, problem, q, quantity) - base[[c.table for c in chains]]
        for i, chain in enumerate(chains):
            if np.isfinite(moved[i]) and abs(moved[i]) > abs(best[chain.table][0]):
                best[chain.table] = (float(moved[i]), removed[i].copy())
    effects = [float(np.exp(np.clip(effect, -700, 700))) for effect, _ in best]
    return np.flatnonzero(best[0][1]), effects[0], effects[1:]


def _value(reduced: Reduced, problem: Problem, q: Array, quantity: Quantity) -> Array:
    """Logarithm of the quantity (S,) at coordinates (S, p); not a number where it has none."""
    with np.errstate(all="ignore"):
        found = np.log(quantity(reduced.law, reduced.expand(reduced.compiled.natural(q, problem.pivots))))
    return np.where(np.isfinite(found), found, np.nan)  # zero too: a coverage far out may be


def _batch(problem: Problem, chains: list[_Chain], tables: Array, removed: Array) -> Batch:
    return problem.batch(weights=problem.weights * ~removed, target=tables[[c.table for c in chains]])


def _chains(reduced: Reduced, problem: Problem, start: Array, tables: Array, quantity: Quantity) -> list[_Chain]:
    """Where removals begin: each table, both directions, three kinds of first rows."""
    batch = problem.batch(target=tables)
    residuals = problem.compiled.predictions(start, problem.inputs) - tables
    pushes = _pushes(reduced, problem, start, batch, quantity)
    axes = problem.inputs[: len(problem.compiled.axes)]
    chains = []
    for table in range(len(tables)):
        by_residual = np.argsort(-np.abs(residuals[table]))
        extreme = np.unique([f(axis) for axis in axes for f in (np.argmin, np.argmax)])
        for direction in (1, -1):
            pushed = np.argsort(-direction * pushes[table])
            spread = extreme[np.argsort(-direction * pushes[table][extreme])]
            chains += [_Chain(table, direction, first) for first in (by_residual, pushed, spread)]
    return chains


def _pushes(reduced: Reduced, problem: Problem, q: Array, batch: Batch, quantity: Quantity) -> Array:
    """First-order effect (S, n) of leaving each row out on the quantity's logarithm."""
    state = problem.evaluate(q, batch)
    _, curvature = problem.slope_and_curvature(state, batch, _smoothing(problem, state))
    slopes = batch.weights * problem.objective.slope(state.residuals)
    sensitivity = _solved(curvature, _gradient(reduced, problem, q, quantity))
    return np.einsum("sp,spn->sn", sensitivity, state.gradient) * slopes


def _smoothing(problem: Problem, state: State) -> Array:
    """Weight of the majorising curvature: nearly linear losses have too few rows inside delta to use theirs alone."""
    inside = np.mean(problem.objective.curvature(state.residuals) > 0, axis=1)
    return np.where(inside > 0.5, 0.05, 0.5)


def _gradient(reduced: Reduced, problem: Problem, q: Array, quantity: Quantity, step: float = 1e-4) -> Array:
    """Central differences (S, p) of the quantity's logarithm in the internal coordinates."""
    columns = [
        (_value(reduced, problem, q + shift, quantity) - _value(reduced, problem, q - shift, quantity)) / (2 * step)
        for shift in step * np.eye(problem.size)
    ]
    return np.nan_to_num(np.stack(columns, axis=1))


def _solved(curvature: Array, right: Array) -> Array:
    scale = np.sqrt(np.maximum(np.einsum("sii->si", curvature), 1e-300))
    matrix = curvature / (scale[:, :, None] * scale[:, None, :]) + 1e-9 * np.eye(curvature.shape[1])
    return np.linalg.solve(matrix, (right / scale)[:, :, None])[:, :, 0] / scale


@dataclass(frozen=True)
class Sensitivity:
    """What the objective's delta does: the estimate (P,) at each of three deltas and the share of residuals inside."""

    deltas: tuple[float, ...]
    estimates: Array
    inside: float


def delta_sensitivity(reduced: Reduced, problem: Problem, q: Array) -> Sensitivity | None:
    """Refit at a third, once and three times delta; None for an objective without one."""
    delta = problem.objective.delta
    if delta is None:
        return None
    deltas = (delta / 3, delta, delta * 3)
    points = [solve(problem.at(d), q[None], problem.batch(), 100, 1e-2).q for d in deltas]
    own = problem.compiled.predictions(q[None], problem.inputs)[0] - problem.target
    estimates = reduced.expand(problem.compiled.natural(np.concatenate(points), problem.pivots))
    return Sensitivity(deltas, estimates, float(np.mean(np.abs(own) <= delta)))


def residual_trends(problem: Problem, q: Array) -> dict[str, float]:
    """Slope of the residuals per decade of each axis, in robust standard deviations."""
    own = problem.compiled.predictions(q[None], problem.inputs)[0] - problem.target
    scale = robust_scale(own) or 1.0
    trends = {}
    for axis, row in zip(problem.compiled.axes, problem.inputs, strict=False):
        decades = row / np.log(10) if problem.compiled.axes[axis] else row
        spread = decades - decades.mean()
        trends[axis] = float(spread @ own / max(spread @ spread, 1e-300) / scale)
    return trends
