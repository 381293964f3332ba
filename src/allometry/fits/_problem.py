"""A law bound to rows: costs, gradients and curvature of many parameter vectors at once.

Batches are along S (starts, resamples or tables); rows along n; internal coordinates along p.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from allometry.expressions import Compiled
from allometry.fits._priors import Penalty
from allometry.fits.objectives import Objective

Array = np.ndarray
# Elements of one (S, n) array worked on at a time: small enough for the second-level cache.
CHUNK_ELEMENTS = 30_000


class State(NamedTuple):
    """A batch of points: coordinates (S, p), residuals (S, n), their gradient (S, p, n), cost (S,)."""

    q: Array
    residuals: Array
    gradient: Array
    cost: Array


class Batch(NamedTuple):
    """What may differ between members of a batch: row weights (S or 1, n), targets (S or 1, n), prior means (S or 1, k)."""

    weights: Array
    target: Array
    means: Array

    def take(self, index: Array | slice) -> Batch:
        """The members at `index`; arrays of one member serve all."""
        return Batch(*(a if len(a) == 1 else a[index] for a in self))


@dataclass(frozen=True)
class Problem:
    """A compiled law, its row inputs, pivots, objective and prior penalty."""

    compiled: Compiled
    inputs: Array
    pivots: Array
    target: Array
    weights: Array
    objective: Objective
    penalty: Penalty

    @property
    def size(self) -> int:
        return len(self.compiled.parameters)

    @property
    def rows(self) -> int:
        return self.inputs.shape[1]

    @property
    def chunk(self) -> int:
        """Members of a batch worked on at a time."""
        return max(1, CHUNK_ELEMENTS // max(1, self.rows))

    def at(self, delta: float) -> Problem:
        """The same problem with another quadratic part of its objective."""
        return replace(self, objective=self.objective.at(delta))

    def batch(self, weights: Array | None = None, target: Array | None = None, means: Array | None = None) -> Batch:
        """A batch that differs from the problem only in what is given."""
        return Batch(
            self.weights[None] if weights is None else weights,
            self.target[None] if target is None else target,
            self.penalty.means[None] if means is None else means,
        )

    def evaluate(self, q: Array, batch: Batch) -> State:
        """State of a batch of points; one whose prediction or gradient is not finite costs infinity, never zero."""
        prediction, gradient = self.compiled.predictions_and_gradient(q, self.inputs)
        residuals = prediction - batch.target
        with np.errstate(all="ignore"):
            steady = np.isfinite(gradient.sum(axis=2)).all(axis=1)
        return State(q, residuals, gradient, np.where(steady, self.cost(residuals, q, batch), np.inf))

    def cost(self, residuals: Array, q: Array, batch: Batch) -> Array:
        with np.errstate(all="ignore"):
            data = np.sum(batch.weights * self.objective.loss(residuals), axis=1)
            total = data + self.penalty.cost(q, batch.means)
        usable = np.isfinite(total) & self.compiled.representable(q, self.pivots)
        return np.where(usable, total, np.inf)

    def slope_and_curvature(self, state: State, batch: Batch, damping: Array) -> tuple[Array, Array]:
        """Gradient (S, p) and damped curvature (S, p, p) of the cost.

        The damping metric is the majorising curvature of the same rows: invariant under any
        linear change of coordinates, and a step with it cannot overshoot a robust loss.
        """
        objective, r = self.objective, state.residuals
        slope = np.matmul(state.gradient, (batch.weights * objective.slope(r))[:, :, None])[:, :, 0]
        row = batch.weights * (objective.curvature(r) + damping[:, None] * objective.majorant(r))
        curvature = np.matmul(state.gradient * row[:, None, :], state.gradient.transpose(0, 2, 1))
        self.penalty.add(state.q, batch.means, slope, curvature)
        return slope, curvature

    def bend(self, state: State, batch: Batch, damping: Array, direction: Array) -> Array:
        """Slope (S, p) that the residuals' second derivative along a direction (S, p) adds."""
        step = 0.1
        ahead = self.compiled.predictions(state.q + step * direction, self.inputs) - batch.target
        along = np.matmul(direction[:, None, :], state.gradient)[:, 0]
        second = 2 / step * ((ahead - state.residuals) / step - along)
        row = batch.weights * (
            self.objective.curvature(state.residuals) + damping[:, None] * self.objective.majorant(state.residuals)
        )
        return np.matmul(state.gradient, np.nan_to_num(row * second)[:, :, None])[:, :, 0]
