"""What pruning does to a perceptron, solved: the error of a max-margin student on the examples a probe kept."""

from __future__ import annotations

import numpy as np

from allometry.data.pruning._replica import Student, solve
from allometry.data.pruning.perceptron import Keep
from allometry.notices import Refused

NUDGE = 1.02  # factor by which a pool is changed to see which way the error goes


def student_error(pool: float, kept: float, angle: float = 0.0, keep: Keep = "hardest") -> Student:
    """The error of a student trained on the fraction of a pool that a probe keeps, in the limit of many dimensions.

    Use it to see what pruning can do at best, and how soon a weaker probe spoils it. Not as a forecast for a network:
    that a pool behaves like this is assumed, never implied.

    Arguments: `pool` examples per parameter before pruning; `kept` the fraction kept, in (0, 1]; `angle` between probe
    and teacher in degrees, from 0 (the scores are the true margins) to below 90; `keep` "hardest" (least |z|),
    "easiest" (greatest) or "random".
    Errors: `Refused` for arguments outside those ranges, and where the equations are not solved.
    Source: Sorscher et al. 2022, arXiv 2206.14486, sec. 2 and appendix A; for "easiest" the averages run over the
    complement of the band, which is ours. Held to the simulator in `tests/data/test_perceptron.py`.

    >>> [round(student_error(4, f, 30).error, 4) for f in (1, 0.5)]
    [0.1137, 0.2083]
    >>> round(60 * student_error(60, 1).error, 3)  # random examples: the error falls as their number
    0.5
    """
    _check(pool, kept, angle)
    return solve(float(pool), float(kept) if keep != "random" else 1.0, float(angle), keep, float(kept))


def best_kept(trained: float, angle: float = 0.0, *, least: float = 0.002) -> float:
    """The fraction to keep for the least error on a fixed number of examples trained on, the pool being as large as asked.

    Use it where training is what costs and examples are plenty: the pool is `trained` / fraction. Keeps the hardest.

    Arguments: `trained` examples per parameter after pruning; `angle` of the probe in degrees; `least` the smallest
    fraction looked at, which is the answer for a perfect probe (angle 0) and 2 examples or more: then a larger pool
    always helps.
    Source: as for `student_error`; the optimum along what the paper calls the Pareto frontier.

    >>> round(best_kept(3.0, 20.0), 2)
    0.49
    """
    from scipy.optimize import minimize_scalar

    def error(log: float) -> float:
        return student_error(trained / np.exp(log), float(np.exp(log)), angle).error

    grid = np.linspace(np.log(least), 0.0, 13)
    values = [error(log) for log in grid]
    place = int(np.argmin(values))
    ends = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
    found = minimize_scalar(error, bounds=ends, method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x)) if found.fun < min(values[place], values[-1]) else float(np.exp(grid[place]))


def best_kept_of_pool(pool: float, angle: float = 0.0, *, least: float = 0.002) -> float:
    """The fraction of this pool that is on the Pareto frontier: no other pool pruned to as many examples does better.

    Use it where the pool is given: keeping more lowers the error still, but less than as many examples would that were
    chosen from a larger pool; keeping fewer wastes what the pool holds. It is the f with f = best_kept(f x pool).

    >>> round(best_kept_of_pool(4.0), 2)
    0.44
    """
    from scipy.optimize import brentq

    def gap(log: float) -> float:
        """How much more errs a student of as many examples from a slightly larger pool than one from a smaller."""
        more, fewer = (student_error(pool * by, float(np.exp(log)) / by, angle).error for by in (NUDGE, 1 / NUDGE))
        return float(np.log(more / fewer))

    ends = np.log(least * NUDGE), -np.log(NUDGE)
    if gap(ends[1]) >= 0:
        return 1.0
    return float(np.exp(brentq(gap, *ends, xtol=1e-3))) if gap(ends[0]) > 0 else least


def crossing(kept: float, angle: float = 0.0) -> float:
    """The pool, in examples per parameter, at which keeping the hardest and keeping the easiest give equal errors.

    With less keep the easiest, with more the hardest. Checked by simulation in `benchmarks/perceptron.py`.

    Arguments: `kept` the fraction kept, below 1; `angle` of the probe in degrees.
    Errors: `Refused` where the two do not cross between 0.2 and 200 examples per parameter.

    >>> round(crossing(0.5), 1)
    5.0
    """
    from scipy.optimize import brentq

    def gap(log: float) -> float:
        hard, easy = (student_error(float(np.exp(log)), kept, angle, keep) for keep in ("hardest", "easiest"))
        return float(np.log(hard.error / easy.error))

    ends = np.log(0.2), np.log(200.0)
    if not gap(ends[0]) > 0 > gap(ends[1]):
        raise Refused(
            "no-crossing", "keeping hardest and easiest do not cross from 0.2 to 200 examples per parameter", "kept"
        )
    return float(np.exp(brentq(gap, *ends, xtol=1e-4)))


def _check(pool: float, kept: float, angle: float) -> None:
    if not 0 < kept <= 1:
        raise Refused("bad-fraction", f"a fraction of {kept:g} cannot be kept", "kept", "keep above 0 and at most 1")
    if not 0 < pool < np.inf:
        raise Refused(
            "bad-pool", f"a pool of {pool:g} examples per parameter cannot be", "pool", "give a number above 0"
        )
    if not 0 <= angle < 90:
        raise Refused("bad-angle", f"a probe at {angle:g} degrees tells nothing", "angle", "give 0 or more, below 90")
