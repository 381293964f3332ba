"""The teacher-student perceptron by simulation: a probe scores examples, a max-margin student learns those that are kept."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
Keep: TypeAlias = Literal["hardest", "easiest", "random"]


def simulate_student(
    pool: float, kept: float, angle: float = 0.0, keep: Keep = "hardest", *, size: int = 200, seed: int = 0
) -> float:
    """Test error of one student of a simulated teacher, trained on the part of its pool that a probe keeps.

    Use it to check `student_error`, or a pruning rule, where the truth is known. Not for data of one's own: inputs are
    Gaussian and labels the sign of a linear teacher, without noise.

    Arguments: `pool` examples per input dimension before pruning; `kept` the fraction kept, in (0, 1]; `angle` between
    probe and teacher in degrees; `keep` which examples: of least or greatest |probe . x|, or any; `size` the number of
    input dimensions.
    Errors: `Refused` for a fraction outside (0, 1] and a pool that leaves no example.
    Source: Sorscher et al. 2022, arXiv 2206.14486, sec. 2: the hard-margin support vector machine through the origin,
    whose quadratic program is solved here exactly as non-negative least squares (Lawson and Hanson 1974, ch. 23).

    >>> 0.05 < simulate_student(4, 0.5, size=60) < 0.25
    True
    """
    count, held = round(pool * size), round(pool * kept * size)
    if not 0 < kept <= 1 or held < 1:
        mend = "keep a fraction above 0 and at most 1"
        raise Refused("bad-fraction", f"{kept:g} of a pool of {count} examples cannot be kept", "kept", mend)
    draw = np.random.default_rng(seed)
    teacher, probe = _pair(size, np.deg2rad(angle))
    x = draw.standard_normal((count, size))
    closeness = np.abs(x @ probe) if keep != "random" else draw.random(count)
    order = np.argsort(-closeness if keep == "easiest" else closeness, kind="stable")[:held]
    x = x[order]
    student = max_margin(x * np.sign(x @ teacher)[:, None])
    return float(np.arccos(np.clip(student @ teacher, -1, 1)) / np.pi)


def max_margin(signed: Array) -> Array:
    """The unit vector (n,) with the greatest least product with the rows of `signed` (m, n), which must be separable.

    >>> max_margin(np.array([[1.0, 0.0], [1.0, 1.0]])).round(3).tolist()
    [1.0, 0.0]
    """
    from scipy.optimize import nnls

    m, n = signed.shape
    system = np.vstack([signed.T, np.ones(m)])
    target = np.zeros(n + 1)
    target[n] = 1.0
    weights, _ = nnls(system, target, maxiter=50 * max(m, n))
    # The residual is (-w, r) with w of least norm among those with products of at least 1, up to its scale.
    found = system[:n] @ weights
    norm = float(np.linalg.norm(found))
    if norm < 1e-12:
        raise Refused("not-separable", "no vector has positive products with all rows", "signed", "check the labels")
    return np.asarray(found / norm)


def _pair(size: int, angle: float) -> tuple[Array, Array]:
    """Teacher and probe: along the first axis, and turned from it towards the second. Inputs are isotropic."""
    teacher, probe = np.zeros(size), np.zeros(size)
    teacher[0] = 1.0
    probe[:2] = np.cos(angle), np.sin(angle)
    return teacher, probe
