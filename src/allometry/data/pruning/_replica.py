"""The equations of a pruned perceptron's order parameters, and their roots.

Order parameters are R = student . teacher, rho = student . probe (unit vectors) and the margin kappa. With theta the
angle between probe and teacher, they solve three equations that average over the kept part of z = probe . x, and two
where theta = 0 and so R = rho. The error is arccos(R) / pi.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.data.pruning.perceptron import Keep
from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]

NODES = 160  # of each Gauss-Legendre rule; 320 change none of ten errors by more than 1e-12 of itself
FAR = 9.0  # standard deviations beyond which a Gaussian is taken as zero
ONE_VECTOR = np.deg2rad(0.05)  # below this angle the two equations of theta = 0 stand for the three
TOLERANCE = 1e-8
COARSE = 48  # nodes on the way there
FEW = 0.5  # examples per parameter from which a root is followed up
WIDE = 0.8  # by which the kept fraction is narrowed a step, where no guess arrives
LEAST_STEP = 1e-3  # of the logarithm of examples per parameter


@dataclass(frozen=True)
class Student:
    """What the theory says of a student: its test `error`, `overlap` with the teacher, `probe_overlap`, and `margin`."""

    error: float
    overlap: float
    probe_overlap: float
    margin: float


@dataclass(frozen=True)
class _Setting:
    """A pool with its band of |z| that is kept, and what an average over it needs."""

    trained: float
    low: float
    high: float
    share: float
    angle: float


@lru_cache(maxsize=4096)
def solve(pool: float, kept: float, angle: float, keep: Keep, count: float) -> Student:
    """The student of a pool (examples per parameter) of which a fraction is kept, `count` of it trained on."""
    setting = _setting(pool, kept, np.deg2rad(angle), keep, count)
    equations = _three if setting.angle >= ONE_VECTOR and kept < 1.0 else _two
    return _student(_root(equations(setting, NODES), _follow(equations, setting), setting), setting)


def _setting(pool: float, kept: float, angle: float, keep: Keep, count: float) -> _Setting:
    from scipy.special import ndtri

    edge = float(-ndtri(kept / 2)) if keep == "easiest" else float(-ndtri((1 - kept) / 2))
    low, high = (edge, FAR + edge) if keep == "easiest" else (0.0, min(edge, FAR))
    return _Setting(pool * count, low, high, kept, angle)


_Equations: TypeAlias = Callable[[_Setting, int], Callable[[Array], Array]]


def _follow(equations: _Equations, setting: _Setting) -> Array:
    """A root on the coarse grid: by a direct start where that arrives, else followed up from few examples."""
    if equations is _three:
        with suppress(Refused):
            return _first(equations, setting)
    few = min(setting.trained, FEW)
    path = [(np.log(few), _first(equations, replace(setting, trained=few)))]
    step, goal = np.log(1.5), np.log(setting.trained)
    while path[-1][0] < goal:
        place = min(path[-1][0] + step, goal)
        try:
            now = replace(setting, trained=float(np.exp(place)))
            path.append((place, _root(equations(now, COARSE), _ahead(path, place), now)))
            step *= 1.2
        except Refused:
            step /= 2
            if step < LEAST_STEP:
                raise
    return path[-1][1]


def _first(equations: _Equations, setting: _Setting) -> Array:
    """A root from several guesses."""
    for guess in _guesses(setting) if equations is _two else _turned(_follow(_two, setting), setting.angle):
        with suppress(Refused):
            return _root(equations(setting, COARSE), guess, setting)
    if equations is _two or setting.share > WIDE:
        raise _unsolved(setting)
    return _root(equations(setting, COARSE), _first(equations, _wider(setting)), setting)


def _wider(setting: _Setting) -> _Setting:
    """The same pool with more of it kept."""
    keep: Keep = "easiest" if setting.low else "hardest"
    share = setting.share / WIDE
    return _setting(setting.trained / setting.share, share, setting.angle, keep, share)


def _guesses(setting: _Setting) -> Iterator[Array]:
    """With a perfect probe: any overlap; the margin is about 1 / sqrt(examples) where they are few."""
    for overlap in (0.5, 0.2, 0.05, 0.01, 1e-3):
        for scale in (1.0, 0.5):
            yield np.array([-np.log(overlap), np.log(scale / np.sqrt(setting.trained))])


def _turned(equal: Array, angle: float) -> Iterator[Array]:
    """What a perfect probe gives, turned by shares of the angle from the teacher towards the probe."""
    overlap, _, _, _ = _parts(equal)
    for share in (0.0, 1.0, 0.5, 1.5):
        r, pulled = overlap * np.cos(share * angle), overlap * np.sin(share * angle)
        sine = min(pulled / np.sqrt(1 - r**2), 0.99)
        yield np.array([0.5 * np.log(1 / r**2 - 1), equal[1], sine / np.sqrt(1 - sine**2)])


def _ahead(path: list[tuple[float, Array]], place: float) -> Array:
    """The last root, moved on along the line from the one before."""
    if len(path) < 2:
        return path[-1][1]
    (x0, y0), (x1, y1) = path[-2:]
    return y1 + (y1 - y0) * (place - x1) / (x1 - x0)


def _root(equations: Callable[[Array], Array], start: Array, setting: _Setting) -> Array:
    from scipy.optimize import root

    with np.errstate(all="ignore"):
        found = root(equations, start, method="hybr", tol=1e-11)
    if np.abs(found.fun).max() < TOLERANCE:
        return np.asarray(found.x)
    raise _unsolved(setting)


def _unsolved(setting: _Setting) -> Refused:
    message = f"no solution was found at {setting.trained:g} examples per parameter, {setting.share:.3g} of the pool"
    return Refused("not-solved", message, "pool", "try a larger fraction or a smaller pool")


def _student(unknown: Array, setting: _Setting) -> Student:
    overlap, rest, turn, margin = _parts(unknown)
    c, s = np.cos(setting.angle), np.sin(setting.angle)
    error = float(np.arctan(np.exp(unknown[0])) / np.pi)
    return Student(error, overlap, float(overlap * c + s * rest * np.sin(turn)), margin)


def _parts(unknown: Array) -> tuple[float, float, float, float]:
    """R, sqrt(1 - R^2), the student's turn towards the probe, and kappa, of what is solved for: log(sqrt(1 - R^2) / R), log(kappa) and the turn's tangent.

    rho = R cos(theta) + sqrt(1 - R^2) sin(theta) sin(turn), so that Lambda = sin(theta) sqrt(1 - R^2) cos(turn).
    """
    turn = float(np.arctan(unknown[2])) if len(unknown) > 2 else 0.0
    overlap, rest = (1 / np.sqrt(1 + np.exp(2 * side * unknown[0])) for side in (1, -1))
    return float(overlap), float(rest), turn, float(np.exp(unknown[1]))


def _grid(low: Array, high: Array | float, count: int) -> tuple[Array, Array]:
    """Nodes and weights (..., count) from each low to its high; none where they are the wrong way round."""
    nodes, weights = _rule(count)
    half = np.maximum(high - low, 0.0)[..., None] / 2
    return low[..., None] + half * (1 + nodes), half * weights


@lru_cache(maxsize=2)
def _rule(count: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights


def _two(setting: _Setting, nodes: int) -> Callable[[Array], Array]:
    """The equations where the probe is the teacher: Sorscher et al. 2022, appendix A, at theta = 0."""
    from scipy.special import ndtr

    def equations(unknown: Array) -> Array:
        overlap, rest, _, margin = _parts(unknown)
        reach = np.array(max(-FAR, overlap * setting.low - FAR * rest))
        if reach > margin:
            return np.full(2, 1e3)
        t, w = _grid(reach, margin, nodes)
        short = margin - t
        edge = [(end - overlap * t) / rest for end in (setting.low, setting.high)]
        density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi) * w
        peaks = (np.exp(-(edge[0] ** 2) / 2) - np.exp(-(edge[1] ** 2) / 2)) / (np.sqrt(2 * np.pi) * rest)
        inside = ndtr(edge[1]) - ndtr(edge[0])
        factor = 2 * setting.trained / setting.share
        first = factor * np.sum(density * peaks * short) / overlap
        second = factor * np.sum(density * inside * short**2) / rest**2
        return np.array([np.log(first), np.log(second)])

    return equations


def _three(setting: _Setting, nodes: int) -> Callable[[Array], Array]:
    """The equations of a probe at an angle: Sorscher et al. 2022, appendix A, averaged over the kept |z|."""
    from scipy.special import ndtr

    c, s = np.cos(setting.angle), np.sin(setting.angle)
    z, wz = _grid(np.array([setting.low, -setting.high]), np.array([setting.high, -setting.low]), nodes)
    z, wz = z.ravel(), wz.ravel() * np.exp(-(z.ravel() ** 2) / 2) / np.sqrt(2 * np.pi) / setting.share

    def equations(unknown: Array) -> Array:
        r, rest, turn, margin = _parts(unknown)
        rho = r * c + s * rest * np.sin(turn)
        lam, free, slope = s * rest * np.cos(turn), 1 - rho**2, r - rho * c
        if not (free > 0 and lam > 0):
            return np.full(3, 1e3)
        spread = np.sqrt(free)
        centre = z * (rho - r * c) / s**2  # of exp(-Delta / 2 Lambda^2) in t; Gamma is 0 at z (rho R - c) / slope
        low = rho * z - FAR * spread
        if slope > 0:
            low = np.maximum(low, np.minimum(centre, z * (rho * r - c) / slope) - FAR * lam / s)
        t, w = _grid(low, margin, nodes)
        short, z_ = w * (margin - t), z[:, None]
        gamma = z_ * (rho * r - c) - t * slope
        delta = z_**2 * (rho**2 + c**2 - 2 * rho * r * c) + 2 * t * z_ * (r * c - rho) + t**2 * s**2
        near = np.exp(-delta / (2 * lam**2))
        body = np.exp(-((t - rho * z_) ** 2) / (2 * free)) / np.sqrt(2 * np.pi * free) * ndtr(-gamma / (spread * lam))
        alpha = setting.trained
        first = alpha / (np.pi * lam) * (wz @ np.sum(near * short, axis=1)) - slope / s**2
        second = 2 * alpha * (wz @ np.sum(body * short * (margin - t), axis=1)) * s**2 / lam**2
        pulled = body * (z_ - rho * t) / free + near / (2 * np.pi * lam) * (rho * r - c) / free
        third = 2 * alpha * (wz @ np.sum(pulled * short, axis=1)) * s / rest - np.sin(turn)
        return np.array([first * s / (rest + r * s), np.log(second), third])

    return equations
