"""The published procedure for the chinchilla law, written with scipy as its authors did.

Hoffmann et al. 2022 (appendix D.3) and Besiroglu et al. 2024 (data_analysis.ipynb): a grid of 4500 starts,
L-BFGS-B on the Huber loss of the log residual with scipy's own numeric gradient, then 4000 resamples refitted with
BFGS from the optimum. Logarithms of the axes are taken once, which the published code does not do.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, minimize

Array = np.ndarray
DELTA = 1e-3
ORDER = ("A", "B", "E", "alpha", "beta")  # the peer's vector holds log A, log B, log E, alpha, beta


class Table(NamedTuple):
    """Logarithms of parameters, tokens and loss, each (n,)."""

    params: Array
    tokens: Array
    loss: Array

    def take(self, rows: Array) -> Table:
        return Table(*(column[rows] for column in self))


def grid() -> Array:
    """The 4500 starts (4500, 5)."""
    sizes, exponents = np.arange(0.0, 26.0, 5.0), np.arange(0.0, 2.1, 0.5)
    return np.array(list(itertools.product(sizes, sizes, np.arange(-1.0, 1.1, 0.5), exponents, exponents)))


def residuals(v: Array, table: Table) -> tuple[Array, Array, Array, Array]:
    """Log residuals (n,) and the three terms (n,) they are made of."""
    size, data = np.exp(v[0] - v[3] * table.params), np.exp(v[1] - v[4] * table.tokens)
    total = size + data + np.exp(v[2])
    return np.log(total) - table.loss, size / total, data / total, total


def objective(v: Array, table: Table) -> float:
    r = np.abs(residuals(v, table)[0])
    return float(np.sum(np.where(r <= DELTA, 0.5 * r * r, DELTA * (r - 0.5 * DELTA))))


def gradient(v: Array, table: Table) -> Array:
    """The exact gradient (5,), for the comparison that leaves numeric gradients out."""
    r, size, data, _ = residuals(v, table)
    slope = np.clip(r, -DELTA, DELTA)
    rows = np.stack([size, data, 1 - size - data, -size * table.params, -data * table.tokens])
    return rows @ slope


def minimise(v: Array, table: Table, method: str, exact: bool = False) -> OptimizeResult:
    with np.errstate(all="ignore"):
        return minimize(objective, v, args=(table,), method=method, jac=gradient if exact else None)
