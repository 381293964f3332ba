"""Which measurements narrow a quantity most: joint draws as a Gaussian prior, runs taken one at a time.

The draws of a fit say how the metric at any setting moves with the quantity asked for. Taken as a joint Gaussian, a
new run changes the quantity's variance by the usual formula of conditioning, whatever it will measure. So runs can be
chosen before any is made: Bayesian c-optimal design (Chaloner and Verdinelli 1995, Statistical Science 10, sec. 2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.forecasts.metric import Array

# Assumed. Draws beyond these percentiles are brought in to them: one draw in a far valley is not a covariance.
WINSORISED = 0.025
NEGLIGIBLE = 0.01  # of one run's scatter: directions of the draws that no run could see
# Gain per cost to these powers. Per cost alone buys many small runs and leaves the budget unspent; by gain alone, a few
# large ones. The best of the five is kept and refined by exchanges, which took another 1 to 2% off in simulations.
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
SWEEPS = 10  # over all chosen runs; in simulations nothing was left to exchange after three or four
LEAST_EXCHANGE = 1e-3  # of log variance: less is not worth a sweep
LEAST_GAIN = 1e-6  # of log variance: a run below it is noise of rounding


class Ensemble(NamedTuple):
    """Candidates (K, R) and the quantity (R,) as linear functions of R independent standard unknowns.

    A candidate's row is in units of its own scatter, so that measuring it adds its outer product to the precision.
    """

    runs: Array
    quantity: Array


def ensemble(metric: Array, quantity: Array, scatter: Array) -> Ensemble:
    """Of the draws of the metric (B, K) in the fit's space, of the log quantity (B,), and each run's scatter (K,)."""
    both = _winsorised(np.column_stack([metric, quantity]))
    centred = (both - both.mean(axis=0)) / np.sqrt(max(len(both) - 1, 1))
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    loadings = (directions * sizes[:, None]).T
    loadings[:-1] /= scatter[:, None]
    seen = np.abs(loadings[:-1]).max(axis=0) > NEGLIGIBLE
    # unseen directions stay in the quantity's variance: no run narrows them
    rest = np.sqrt(np.sum(loadings[-1, ~seen] ** 2))
    runs = np.column_stack([loadings[:-1, seen], np.zeros(len(loadings) - 1)])
    return Ensemble(runs, np.append(loadings[-1, seen], rest))


def _winsorised(draws: Array) -> Array:
    """Columns with their tails brought in; values that are not numbers become the middle."""
    low, middle, high = np.nanquantile(draws, [WINSORISED, 0.5, 1 - WINSORISED], axis=0)
    return np.clip(np.where(np.isnan(draws), middle, draws), low, high)


class Design(NamedTuple):
    """Chosen candidates in order, the covariance (R, R) of the unknowns after them, and the variance left."""

    chosen: list[int]
    covariance: Array
    variance: float


def start(found: Ensemble) -> Design:
    """Nothing chosen."""
    return Design([], np.eye(len(found.quantity)), float(found.quantity @ found.quantity))


def extend(found: Ensemble, before: Design, cost: Array, budget: float, most: int, repeats: int) -> Design:
    """Add up to `most` runs of together at most `budget`, each candidate at most `repeats` times in all."""
    shop = _Shop(found, before, cost, budget, most, repeats)
    designs = [shop.fill([], cost**power) for power in POWERS]
    return shop.exchange(min(designs, key=lambda design: design.variance))


class _Shop(NamedTuple):
    """What may be added to a design: see `extend`."""

    found: Ensemble
    before: Design
    cost: Array
    budget: float
    most: int
    repeats: int

    def fill(self, own: list[int], price: Array) -> Design:
        """Add the run of the largest gain per price (K,) to these, again and again, while the budget holds."""
        design = self._with(own)
        for _ in range(self.most - len(own)):
            worth = gains(self.found, design) * self._open(design) / price
            best = int(np.argmax(worth))
            if worth[best] * price[best] <= LEAST_GAIN:
                break
            design = taken(self.found, design, best)
        return design

    def exchange(self, design: Design) -> Design:
        """Put a better run in the place of each while that helps, then spend what is left."""
        for _ in range(SWEEPS):
            begun = design.variance
            for run in self._own(design):
                rest = self._own(design)
                rest.remove(run)
                without = self._with(rest)
                worth = gains(self.found, without) * self._open(without)
                other = taken(self.found, without, int(np.argmax(worth)))
                if worth.max() > 0 and other.variance < design.variance * (1 - LEAST_EXCHANGE):
                    design = other
            design = self.fill(self._own(design), np.ones_like(self.cost))
            if design.variance >= begun * (1 - LEAST_EXCHANGE):
                break
        return design

    def _own(self, design: Design) -> list[int]:
        return design.chosen[len(self.before.chosen) :]

    def _with(self, own: list[int]) -> Design:
        precision = np.linalg.inv(self.before.covariance) + self.found.runs[own].T @ self.found.runs[own]
        covariance = np.asarray(np.linalg.inv(precision), float)
        quantity = self.found.quantity
        return Design([*self.before.chosen, *own], covariance, float(quantity @ covariance @ quantity))

    def _open(self, design: Design) -> NDArray[np.bool_]:
        """Whether each candidate (K,) can still be added."""
        left = self.budget - float(self.cost[self._own(design)].sum())
        return (self.cost <= left) & (np.bincount(design.chosen, minlength=len(self.cost)) < self.repeats)


def gains(found: Ensemble, design: Design) -> Array:
    """By how much each candidate (K,) would lower the log variance of the quantity."""
    reach = found.runs @ design.covariance
    own = np.einsum("kr,kr->k", reach, found.runs)
    share = (reach @ found.quantity) ** 2 / (1 + own) / design.variance
    return np.asarray(-np.log1p(-np.minimum(share, 1 - 1e-12)))


def taken(found: Ensemble, design: Design, run: int) -> Design:
    """The design with one more run."""
    reach = design.covariance @ found.runs[run]
    covariance = design.covariance - np.outer(reach, reach) / (1 + reach @ found.runs[run])
    variance = float(found.quantity @ covariance @ found.quantity)
    return Design([*design.chosen, run], covariance, variance)


def spread(
    found: Ensemble, cost: Array, budget: float, repeats: int, generator: np.random.Generator
) -> Design:  # fmt: skip
    """Candidates in random order, each taken if the budget still holds it: log-uniform where they are log-spaced."""
    design, left = start(found), budget
    for run in np.concatenate([generator.permutation(len(cost)) for _ in range(repeats)]):
        if cost[run] <= left:
            design = taken(found, design, int(run))
            left -= cost[run]
    return design
