"""Damped Gauss-Newton on a whole batch of robust fits at once.

The step solves (curvature + damping x majorant) d = -slope. With the damping at zero it is
semismooth Newton, with a large one the safe reweighted step; it falls fivefold on success and
rises sixfold on failure. Everything is NumPy, so one code path is compiled, fast and exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allometry.fits._problem import Batch, Problem, State

Array = np.ndarray
STEP_CAP = 4.0  # in internal units (logarithms): measured to help log coordinates
PREDICTED_DROP = 1e-10  # relative fall of the cost below which a step is not worth taking
SLOW_DROP, SLOW_STEPS = 1e-8, 12
# Easy fits end sooner; later steps follow a curved valley: its extra evaluation pays there only.
ACCELERATE_AFTER, MOST_TURN = 8, 0.75
NOISE_FREE = 1e-26  # cost per row (squared residual units) that is rounding, not misfit


class Solution(NamedTuple):
    """Coordinates (S, p), cost (S,), whether each met a stopping rule (S,), and steps taken."""

    q: Array
    cost: Array
    converged: Array
    steps: int

    def best(self) -> int:
        return int(np.argmin(self.cost))


def solve(problem: Problem, q: Array, batch: Batch, steps: int, damping: float = 1.0) -> Solution:
    """Minimise every member of a batch from coordinates (S, p), in chunks, for at most `steps` steps."""
    parts = [
        _solve_chunk(problem, q[i : i + problem.chunk], batch.take(slice(i, i + problem.chunk)), steps, damping)
        for i in range(0, len(q), problem.chunk)
    ]
    return Solution(
        np.concatenate([p.q for p in parts]),
        np.concatenate([p.cost for p in parts]),
        np.concatenate([p.converged for p in parts]),
        max(p.steps for p in parts),
    )


def _solve_chunk(problem: Problem, q: Array, batch: Batch, steps: int, damping: float) -> Solution:
    state = problem.evaluate(q, batch)
    final_q, final_cost = q.copy(), state.cost.copy()
    converged = np.zeros(len(q), bool)
    alive = np.flatnonzero(np.isfinite(state.cost))
    state, batch = _take(state, alive), batch.take(alive)
    lam, slow = np.full(len(alive), damping), np.zeros(len(alive), int)
    floor = NOISE_FREE * problem.rows
    taken = 0
    for taken in range(1, steps + 1):
        if not len(alive):
            break
        direction, predicted = _direction(problem, state, batch, lam, curved=taken > ACCELERATE_AFTER)
        trial = problem.evaluate(state.q + direction, batch)
        better = trial.cost < state.cost
        drop = np.where(better, state.cost - trial.cost, 0.0)
        slow = np.where(better & (drop > SLOW_DROP * state.cost), 0, slow + 1)
        done = (np.abs(predicted) <= PREDICTED_DROP * state.cost) | (slow >= SLOW_STEPS) | (trial.cost < floor)
        state = _choose(better, trial, state)
        lam = np.clip(np.where(better, lam * 0.2, lam * 6.0), 1e-12, 1e12)
        final_q[alive], final_cost[alive] = state.q, state.cost
        converged[alive] = done
        if done.any():
            keep = np.flatnonzero(~done)
            alive, state, batch, lam, slow = alive[keep], _take(state, keep), batch.take(keep), lam[keep], slow[keep]
    return Solution(final_q, final_cost, converged, taken)


def _direction(problem: Problem, state: State, batch: Batch, lam: Array, curved: bool) -> tuple[Array, Array]:
    """Step (S, p), capped, and the fall of the cost it predicts (S,); `curved` adds geodesic acceleration."""
    slope, curvature = problem.slope_and_curvature(state, batch, lam)
    diagonal = np.einsum("sii->si", curvature)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    matrix = curvature / (scale[:, :, None] * scale[:, None, :])
    index = np.arange(problem.size)
    matrix[:, index, index] += (0.01 * lam / (1 + lam))[:, None] + 1e-12
    direction = -_solve_systems(matrix, slope / scale) / scale
    predicted = -0.5 * np.einsum("si,si->s", slope, direction)
    direction = _capped(problem, state.q, direction)
    if curved:
        bend = problem.bend(state, batch, lam, direction)
        direction = _bent(direction, -_solve_systems(matrix, bend / scale) / scale)
    return direction, predicted


def _bent(direction: Array, acceleration: Array) -> Array:
    """The step with half the acceleration, where that is small beside it (Transtrum and Sethna 2012, eq. 15)."""
    size, turn = np.linalg.norm(direction, axis=1), np.linalg.norm(acceleration, axis=1)
    follow = np.isfinite(turn) & (2 * turn <= MOST_TURN * size)
    return direction + np.where(follow[:, None], 0.5 * np.nan_to_num(acceleration), 0.0)


def _solve_systems(matrix: Array, right: Array) -> Array:
    """Solutions (S, p); a singular member is solved in the least-squares sense, the others exactly."""
    try:
        return np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        safe = np.where(np.isfinite(matrix), matrix, 0.0)
        return np.einsum("sij,sj->si", np.linalg.pinv(safe, hermitian=True), np.nan_to_num(right))


def _capped(problem: Problem, q: Array, direction: Array) -> Array:
    """Shorten steps to the cap; a free parameter may move by its own size as well."""
    free = np.array([bounds == (None, None) for bounds in problem.compiled.bounds.values()])
    cap = np.where(free, STEP_CAP * (1 + np.abs(q)), STEP_CAP)
    excess = np.max(np.abs(direction) / cap, axis=1, initial=0.0)
    return np.nan_to_num(direction) / np.maximum(1.0, np.nan_to_num(excess, nan=1.0))[:, None]


def _take(state: State, index: Array) -> State:
    return state if len(index) == len(state.q) else State(*(a[index] for a in state))


def _choose(better: Array, trial: State, state: State) -> State:
    if better.all():
        return trial
    columns = better[:, None]
    return State(
        np.where(columns, trial.q, state.q),
        np.where(columns, trial.residuals, state.residuals),
        np.where(columns[:, :, None], trial.gradient, state.gradient),
        np.where(better, trial.cost, state.cost),
    )
