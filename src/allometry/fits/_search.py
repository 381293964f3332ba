"""Find the global minimum from many starts by successive halving, and say how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allometry.fits._problem import Batch, Problem
from allometry.fits._solver import Solution, solve
from allometry.fits.settings import HARD_SIZE

Array = np.ndarray
SMOOTH_DELTAS = (0.1, 0.02)  # wide quadratic parts first: the robust cost is then smooth between starts
KEPT_SHARE, KEPT_LEAST = 0.25, 8
AGREEMENT = 1e-6  # relative cost within which two finalists are the same minimum
POLISH_STEPS = 200


class Winner(NamedTuple):
    """Best coordinates (p,), its cost, share of finalists that agree, relative gap to the next minimum
    (None where all agree), whether it met a stopping rule, and the distinct minima (m, p), best first."""

    q: Array
    cost: float
    agree: float
    finalists: int
    gap: float | None
    converged: bool
    minima: Array


def search(problem: Problem, q: Array) -> Winner:
    """Minimise from all starts (S, p), keeping the better quarter at each of three stages."""
    batch = problem.batch()
    hard = problem.size >= HARD_SIZE
    stages = list(zip(_deltas(problem), (10, 12, 20) if hard else (5, 6, 8), strict=True))
    for delta, steps in stages:
        stage = problem if delta is None else problem.at(delta)
        solution = solve(stage, q, batch, steps)
        q = solution.q[_kept(solution.cost)]
    return _winner(problem, batch, solve(problem, q, batch, POLISH_STEPS, damping=1e-2))


def _deltas(problem: Problem) -> list[float | None]:
    """Quadratic parts of the stages, ending at the problem's own; None leaves the objective alone."""
    own = problem.objective.delta
    if own is None:
        return [None, None, None]
    return [*(max(own, d) for d in SMOOTH_DELTAS), own]


def _kept(cost: Array) -> Array:
    keep = max(KEPT_LEAST, int(np.ceil(KEPT_SHARE * len(cost))))
    order = np.argsort(cost, kind="stable")[:keep]
    finite = order[np.isfinite(cost[order])]
    return finite if len(finite) else order[:1]


def _winner(problem: Problem, batch: Batch, solution: Solution) -> Winner:
    order = np.argsort(solution.cost, kind="stable")
    cost, q = solution.cost[order], solution.q[order]
    floor = 1e-24 * problem.rows
    same = cost <= cost[0] * (1 + AGREEMENT) + floor
    others = np.flatnonzero(~same & np.isfinite(cost))
    gap = float(cost[others[0]] / max(cost[0], floor) - 1) if len(others) else None
    return Winner(
        q[0], float(cost[0]), float(np.mean(same)), len(cost), gap, bool(solution.converged[order][0]),
        q[np.concatenate([[0], others])][:4],
    )  # fmt: skip
