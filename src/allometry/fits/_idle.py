"""Coordinates that the cost does not feel, as of a term that went to zero, and where it would feel them again."""

from __future__ import annotations

import numpy as np

from allometry.fits._problem import Problem, State

Array = np.ndarray
STEP_CAP = 4.0  # in internal units (logarithms): measured to help log coordinates
PREDICTED_DROP = 1e-10  # relative fall of the cost below which a step is not worth taking
FELT = 1e-5  # of the spread of the target: a change of predictions that is an effect
EXACT = 1e8  # beyond it a scale and its exponent are taken apart with rounding errors that look like effects
LOOKS = 12  # longest steps to either side: 20 decades of a positive parameter


def caps(problem: Problem, q: Array) -> Array:
    """The longest step of each coordinate (S, p); a free parameter may move by its own size as well."""
    free = np.array([bounds == (None, None) for bounds in problem.compiled.bounds.values()])
    return np.where(free, STEP_CAP * (1 + np.abs(q)), STEP_CAP)


def idle(problem: Problem, state: State, slope: Array, diagonal: Array) -> Array:
    """Coordinates (S, p) of which the longest step would not move the cost, by its slope and curvature (S, p).

    They are to stay where they are: their own step would be without measure, and the cap would shorten all others to
    nothing.
    """
    cap = caps(problem, state.q)
    return np.abs(slope) * cap + diagonal * cap**2 <= PREDICTED_DROP * state.cost[:, None]


def felt_again(problem: Problem, q: Array, coordinates: Array) -> dict[int, float]:
    """Natural values at which each of some coordinates of a point (p,), moved alone, has an effect on the rows; those that
    never have are absent.

    A parameter that the runs sent to zero is one that they speak of; one that they say nothing of is felt nowhere. Alone is
    meant both ways, for a scale is pivoted with its exponent: with all other coordinates held, or a change of the scale
    would count as the exponent's, and with all other natural values held, or it would hide one.
    """
    sides = np.array(sorted(range(-LOOKS, LOOKS + 1), key=abs))[1:]
    found = dict[int, float]()
    for i in coordinates.tolist():
        inside = np.repeat(q[None], len(sides), axis=0)
        inside[:, i] += sides * caps(problem, q[None])[0, i]
        natural = np.repeat(problem.compiled.natural(q[None], problem.pivots), len(sides), axis=0)
        natural[:, i] = problem.compiled.natural(inside, problem.pivots)[:, i]
        outside = problem.compiled.internal(natural, problem.pivots)
        felt = np.flatnonzero(_changes(problem, q, inside) & _changes(problem, q, outside))
        if len(felt):
            found[i] = float(natural[felt[0], i])
    return found


def _changes(problem: Problem, q: Array, points: Array) -> Array:
    """Whether predictions of used rows differ at some points (S, p) from those at q (p,), beyond rounding."""
    used = problem.weights > 0
    with np.errstate(all="ignore"):
        change = problem.compiled.predictions(points, problem.inputs) - problem.compiled.predictions(
            q[None], problem.inputs
        )
        seen = np.abs(change[:, used]).max(axis=1) > FELT * np.ptp(problem.target[used])
    return seen & (np.abs(points).max(axis=1) < EXACT)


def with_idle_back(problem: Problem, q: Array) -> Array:
    """A point (1, p), and beside it the same (2, p) with idle coordinates where they are felt, if it has any.

    Refits of other rows start from both: a coordinate that no step would move never leaves zero by itself.
    """
    batch = problem.batch()
    state = problem.evaluate(q[None], batch)
    slope, curvature = problem.slope_and_curvature(state, batch, np.zeros(1))
    back = felt_again(problem, q, np.flatnonzero(idle(problem, state, slope, np.einsum("sii->si", curvature))[0]))
    if not back:
        return q[None]
    natural = problem.compiled.natural(q[None], problem.pivots)
    natural[0, list(back)] = list(back.values())
    return np.concatenate([q[None], problem.compiled.internal(natural, problem.pivots)])
