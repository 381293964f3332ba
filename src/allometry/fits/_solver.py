"""Damped Gauss-Newton on a whole batch of robust fits at once.

The step solves (curvature + damping x majorant) d = -slope. With the damping at zero it is
semismooth Newton, with a large one the safe reweighted step; it falls fivefold on success and
rises sixfold on failure. Everything is NumPy, so one code path is compiled, fast and exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allometry.fits._idle import PREDICTED_DROP, caps, idle
from allometry.fits._problem import Batch, Problem, State

Array = np.ndarray
SLOW_DROP, SLOW_STEPS = 1e-8, 12
# Easy fits end sooner; later steps follow a curved valley: its extra evaluation pays there only.
ACCELERATE_AFTER, MOST_TURN = 8, 0.75
ROUND_STEPS = 6
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
    """Minimise every member of a batch from coordinates (S, p), for at most `steps` steps each.

    Work goes in rounds of a few steps over chunks: members that need many steps are then few, and
    go on together instead of each holding up the chunk it began in.
    """
    count = len(q)
    progress = _Progress(
        q.copy(), np.full(count, np.inf), np.zeros(count, bool), np.full(count, damping), np.zeros(count, int)
    )
    pending, taken = np.arange(count), 0
    while len(pending) and taken < steps:
        for first in range(0, len(pending), problem.chunk):
            _advance(
                problem, progress, pending[first : first + problem.chunk], batch, taken, min(ROUND_STEPS, steps - taken)
            )
        taken += ROUND_STEPS
        pending = pending[~progress.converged[pending] & np.isfinite(progress.cost[pending])]
    return Solution(progress.q, progress.cost, progress.converged, min(taken, steps))


class _Progress(NamedTuple):
    """Where every member of a batch stands: coordinates, cost, converged, damping, steps that gained little."""

    q: Array
    cost: Array
    converged: Array
    damping: Array
    slow: Array


def _advance(problem: Problem, progress: _Progress, members: Array, whole: Batch, taken: int, steps: int) -> None:
    """Take up to `steps` steps with some members and write where they then stand."""
    batch = whole.take(members)
    state = problem.evaluate(progress.q[members], batch)
    progress.cost[members] = state.cost
    alive = np.flatnonzero(np.isfinite(state.cost))
    state, batch, members = _take(state, alive), batch.take(alive), members[alive]
    lam, slow = progress.damping[members], progress.slow[members]
    floor = NOISE_FREE * problem.rows
    for step in range(taken + 1, taken + steps + 1):
        if not len(members):
            return
        direction, predicted = _direction(problem, state, batch, lam, curved=step > ACCELERATE_AFTER)
        trial = problem.evaluate(state.q + direction, batch)
        better = trial.cost < state.cost
        drop = np.where(better, state.cost - trial.cost, 0.0)
        slow = np.where(better & (drop > SLOW_DROP * state.cost), 0, slow + 1)
        done = (np.abs(predicted) <= PREDICTED_DROP * state.cost) | (slow >= SLOW_STEPS) | (trial.cost < floor)
        state = _choose(better, trial, state)
        lam = np.clip(np.where(better, lam * 0.2, lam * 6.0), 1e-12, 1e12)
        for all_of, some in zip(progress, (state.q, state.cost, done, lam, slow), strict=True):
            all_of[members] = some
        if done.any():
            keep = np.flatnonzero(~done)
            state, batch, members, lam, slow = (
                _take(state, keep),
                batch.take(keep),
                members[keep],
                lam[keep],
                slow[keep],
            )


def _direction(problem: Problem, state: State, batch: Batch, lam: Array, curved: bool) -> tuple[Array, Array]:
    """Step (S, p), capped, and the fall of the cost it predicts (S,); `curved` adds geodesic acceleration."""
    slope, curvature = problem.slope_and_curvature(state, batch, lam)
    diagonal = np.einsum("sii->si", curvature)
    scale = np.where(idle(problem, state, slope, diagonal), np.inf, np.sqrt(np.where(diagonal > 0, diagonal, 1.0)))
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
    with np.errstate(over="ignore", invalid="ignore"):
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
    """Shorten steps to the cap."""
    excess = np.max(np.abs(direction) / caps(problem, q), axis=1, initial=0.0)
    return np.nan_to_num(direction) / np.maximum(1.0, np.nan_to_num(excess, nan=1.0))[:, None]


def _take(state: State, index: Array) -> State:
    return state if len(index) == len(state.q) else State(*(a[index] for a in state))


def _choose(better: Array, trial: State, state: State) -> State:
    """The trial, with the members that it did not better put back (into the trial's own arrays)."""
    worse = np.flatnonzero(~better)
    if len(worse):
        for new, old in zip(trial, state, strict=True):
            new[worse] = old[worse]
    return trial
