"""What is at stake at one budget: the draws as possible truths, and the price of an allocation under all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.fits import Fit
from allometry.forecasts import metric_at
from allometry.laws import Law
from allometry.plans.allocation import Allocation, best_split
from allometry.plans.decision import Decision
from allometry.plans.frontier import frontier
from allometry.plans.terms import Space

Array = NDArray[np.float64]

ROUNDING = 1e-12  # shares of a loss: less is the rounding of sums and powers


@dataclass(frozen=True)
class Price:
    """Mean and 95th percentile over the draws; infinite where a draw has no finite loss there."""

    expected: float
    p95: float

    def as_json(self) -> dict[str, object]:
        return {name: value if np.isfinite(value) else None for name, value in vars(self).items()}


@dataclass(frozen=True)
class Priced:
    """An allocation with what it costs where a draw is the truth.

    `loss` is the excess over the draw's own best loss of the budget, as a share of that; `compute` the
    share of the budget wasted: 1 - C'/C, where C' are the FLOPs at which the draw's own best split has
    the loss that this allocation has at C.
    """

    at: Mapping[str, float]
    loss: Price
    compute: Price

    def as_json(self) -> dict[str, object]:
        return {**self.at, **self.loss.as_json(), "compute": self.compute.as_json()}


@dataclass(frozen=True)
class Stakes:
    """Draws (B, P) that are possible truths, and the `best` split of the budget that each would choose."""

    law: Law
    draws: Array
    flops: float
    space: Space
    best: Allocation

    def built(self, points: Mapping[str, ArrayLike]) -> Array:
        """Loss (B, k) of each draw at allocations (k,); what is no number is infinitely bad."""
        return np.nan_to_num(metric_at(self.law, self.draws, points), nan=np.inf)

    def excess(self, built: Array) -> Array:
        """Share (B, k) of a draw's own best loss that losses (B, k) lie above it."""
        best = self.best.loss[:, None]
        found = (built - best) / np.abs(best)
        return np.where(found > ROUNDING, found, 0.0)

    def expected(self, points: Mapping[str, ArrayLike]) -> Array:
        """Mean excess (k,) of allocations (k,)."""
        return np.asarray(self.excess(self.built(points)).mean(axis=0))

    def priced(self, points: Mapping[str, Array]) -> tuple[Priced, ...]:
        """Allocations (k,) with their prices."""
        built = self.built(points)
        excess = self.excess(built)
        built = np.where(excess > 0, built, self.best.loss[:, None])
        budgets = np.full(len(self.draws), self.flops)
        known = frontier(self.law, self.draws, budgets, self.best.loss, self.space, built.max(axis=1))
        wasted = np.where(np.isfinite(built), 1 - known.share(built), 1.0)
        at = [{name: float(values[i]) for name, values in points.items()} for i in range(built.shape[1])]
        return tuple(map(Priced, at, _prices(excess), _prices(wasted)))


def _prices(values: Array) -> list[Price]:
    """The price (k,) of each column of values (B, k)."""
    with np.errstate(invalid="ignore"):  # between two infinite draws there is no percentile
        p95 = np.nan_to_num(np.quantile(values, 0.95, axis=0), nan=np.inf)
    return [Price(*pair) for pair in zip(values.mean(axis=0).tolist(), p95.tolist(), strict=True)]


def stakes_of(fit: Fit, decision: Decision) -> Stakes | None:
    """The stakes of a decision, over the draws that have a finite loss at its point and at their own best.

    None without such draws, or without a point plan.
    """
    if not decision.interior or not len(fit.draws):
        return None
    flops, space = float(decision.flops[0]), decision.space
    if np.all(decision.flops == flops):
        best = _picked(decision.chosen, slice(1, None))
    else:
        best = best_split(fit.law, fit.draws, flops, space)
    every = Stakes(fit.law, fit.draws, flops, space, best)
    built = every.built({name: np.array([value]) for name, value in decision.point.items()})[:, 0]
    usable = np.isfinite(built) & np.isfinite(best.loss) & (best.loss != 0)
    if not usable.any():
        return None
    return Stakes(fit.law, fit.draws[usable], flops, space, _picked(best, usable))


def _picked(chosen: Allocation, rows: slice | NDArray[np.bool_]) -> Allocation:
    return Allocation._make(values[rows] for values in chosen)
