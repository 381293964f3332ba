"""Starting points: spread by Sobol in pivoted coordinates, linear coefficients solved for each.

For each sample of the nonlinear parameters the best coefficients are a small non-negative least
squares (variable projection, Golub and Pereyra 1973), so most starts begin near a valley.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from scipy.stats import qmc

from allometry.expressions import from_space
from allometry.fits._problem import Problem
from allometry.fits.settings import HARD_SIZE

Array = np.ndarray
Box = Mapping[str, tuple[float, float]]
EXPONENT_RANGE = (0.05, 1.5)  # assumed: published exponents of loss in params, tokens and compute lie inside
FACTOR_RANGE = (1e-3, 1e3)  # assumed: a dimensionless factor no declaration speaks of


def starts(
    problem: Problem, count: int, seed: int, box: Box, exponents: frozenset[str] = frozenset(), raw: bool = False
) -> Array:
    """(count, p) internal coordinates; `box` gives natural ranges, `raw` leaves linear coefficients drawn."""
    compiled = problem.compiled
    unit = _sobol(count, problem.size, seed)
    q = np.empty((count, problem.size))
    later = []
    for i, name in enumerate(compiled.parameters):
        coordinates = _pivoted_range(problem, name, box, raw)
        if coordinates is None:
            q[:, i] = _natural_draws(unit[:, i], compiled.bounds[name], _range(name, box, exponents))
            later += [name] if name in compiled.scales else []
        else:
            q[:, i] = coordinates[0] + unit[:, i] * (coordinates[1] - coordinates[0])
    if later:
        q = _repivot(problem, q, later)
    if raw or not compiled.linear:
        return q
    # Projection draws starts towards the same valleys: with many unknowns half of them keep their own coefficients.
    projected = slice(None, None, 2 if problem.size >= HARD_SIZE else 1)
    q[projected] = _projected(problem, q[projected])
    return q


def _sobol(count: int, dimensions: int, seed: int) -> Array:
    power = max(0, int(np.ceil(np.log2(max(1, count)))))
    return qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random_base2(power)[:count]


def _range(name: str, box: Box, exponents: frozenset[str]) -> tuple[float, float]:
    return box.get(name) or (EXPONENT_RANGE if name in exponents else FACTOR_RANGE)


def _pivoted_range(problem: Problem, name: str, box: Box, raw: bool) -> tuple[float, float] | None:
    """Range of a scale parameter where the data sets it; None where the declared box does."""
    compiled = problem.compiled
    scale = compiled.scales.get(name)
    if scale is not None and scale.sign < 0 and name not in box:
        axis = list(compiled.axes).index(scale.exponents[0][0]) + len(compiled.axes)
        return float(problem.inputs[axis].min()), float(problem.inputs[axis].max())
    index = compiled.parameters.index(name)
    linear = {term.coefficient for term in compiled.linear}
    if index in linear and not (raw and name in box):
        middle = float(np.log(np.median(np.abs(from_space(compiled.space, problem.target))) + 1e-300))
        return middle - 5.0, middle + 1.0
    return None


def _natural_draws(unit: Array, bounds: tuple[float | None, float | None], span: tuple[float, float]) -> Array:
    """Internal coordinates of draws over a natural range: log-uniform above zero, else uniform."""
    low, high = bounds
    if low is None and high is None:
        return span[0] + unit * (span[1] - span[0])
    if low is not None and high is not None:
        inside = np.clip((np.array(span) - low) / (high - low), 0.01, 0.99)
        return np.log(inside[0] / (1 - inside[0])) + unit * np.diff(np.log(inside / (1 - inside)))
    edge = low if low is not None else high or 0.0
    near, far = sorted(max(abs(value - edge), 1e-12) for value in span)
    return np.log(near) + unit * (np.log(far) - np.log(near))


def _repivot(problem: Problem, q: Array, names: list[str]) -> Array:
    """Scale parameters drawn in natural units, taken to their pivoted coordinates."""
    compiled = problem.compiled
    flat = compiled.natural(q, np.zeros_like(problem.pivots))
    moved = compiled.internal(flat, problem.pivots)
    columns = [compiled.parameters.index(name) for name in names]
    q[:, columns] = moved[:, columns]
    return q


def _projected(problem: Problem, q: Array) -> Array:
    """Replace linear coefficients by non-negative least squares on relative residuals, reweighted twice."""
    linear = problem.compiled.linear
    measured = from_space(problem.compiled.space, problem.target)
    size = np.maximum(np.abs(measured), 1e-3 * np.median(np.abs(measured)) + 1e-300)
    columns = [t.coefficient for t in linear if t.coefficient is not None]
    for first in range(0, len(q), problem.chunk):
        part = slice(first, first + problem.chunk)
        basis = {t.coefficient: np.exp(np.minimum(t.tape.value(q[part], problem.inputs), 300.0)) for t in linear}
        rest = measured - basis.pop(None, np.zeros((1, 1)))
        design = np.stack([basis[c] for c in columns], axis=1) / size
        solved = _non_negative(design, np.broadcast_to(rest / size, design[:, 0].shape), problem.weights)
        q[part][:, columns] = np.log(solved)
    return q


def _non_negative(design: Array, target: Array, weights: Array) -> Array:
    """Coefficients (S, k) above zero by trying every active set of a small problem (S, k, n)."""
    count = design.shape[1]
    best, coefficients = np.full(len(design), np.inf), np.full((len(design), count), 1e-12)
    row = weights[None] * np.ones(target.shape)
    for _ in range(2):
        for size in range(1, count + 1):
            for chosen in combinations(range(count), size):
                solved, error, residual = _least_squares(design[:, list(chosen)], target, row)
                better = (error < best) & np.all(solved > 0, axis=1)
                coefficients[better] = 1e-12
                coefficients[np.ix_(better, list(chosen))] = solved[better]
                best = np.where(better, error, best)
        residual = np.abs(target - np.einsum("sk,skn->sn", coefficients, design))
        row = weights[None] / np.maximum(residual, np.median(residual, axis=1, keepdims=True) + 1e-12)
        best = np.full(len(design), np.inf)
    floor = 1e-6 * np.max(np.abs(target), axis=1, keepdims=True) / np.maximum(np.mean(np.abs(design), axis=2), 1e-300)
    return np.maximum(coefficients, np.minimum(floor, 1e300))


def _least_squares(design: Array, target: Array, row: Array) -> tuple[Array, Array, Array]:
    weighted = design * row[:, None, :]
    gram = np.matmul(weighted, design.transpose(0, 2, 1))
    right = np.matmul(weighted, target[:, :, None])
    with np.errstate(all="ignore"):
        scale = np.sqrt(np.maximum(np.einsum("sii->si", gram), 1e-300))
        matrix = gram / (scale[:, :, None] * scale[:, None, :]) + 1e-12 * np.eye(gram.shape[1])
        solved = np.linalg.solve(np.nan_to_num(matrix), np.nan_to_num(right / scale[:, :, None]))[:, :, 0] / scale
        residual = target - np.einsum("sk,skn->sn", solved, design)
        error = np.sum(row * residual**2, axis=1)
    return solved, np.where(np.isfinite(error), error, np.inf), residual
