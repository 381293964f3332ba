"""What a size costs over a model's life: for each token it is trained on, and for all that it serves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PerSize:
    """A cost by size, known at some rising sizes (k,); a power of size between two of them and beyond the last.

    >>> PerSize((1e9, 1e10), (2.0, 40.0)).at([1e9, 10**9.5]).round(3)
    array([2.   , 8.944])
    """

    sizes: tuple[float, ...]
    costs: tuple[float, ...]

    def at(self, size: ArrayLike) -> Array:
        """The cost at sizes of any shape."""
        x, known, costs = np.log(np.asarray(size, float)), np.log(self.sizes), np.log(self.costs)
        i = np.clip(np.searchsorted(known, x) - 1, 0, len(known) - 2)
        slope = np.diff(costs) / np.diff(known)
        return np.asarray(np.exp(costs[i] + slope[i] * (x - known[i])))


@dataclass(frozen=True)
class Rates:
    """Costs in `unit` by size: `training` for each token, `serving` for the whole life, None where nothing is served.

    With FLOPs they are 6 and 2 x inference tokens for each parameter (Sardana et al. 2024).

    >>> f"{Rates.flops(2e12).total(7e9, 1e12):.6g}"
    '7e+22'
    """

    unit: str
    training: PerSize
    serving: PerSize | None

    @classmethod
    def flops(cls, inference_tokens: float) -> Rates:
        served = SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * inference_tokens
        return cls("FLOPs", _in_proportion(FLOPS_PER_PARAMETER_AND_TOKEN), _in_proportion(served) if served else None)

    def trained(self, size: ArrayLike, tokens: ArrayLike) -> Array:
        """Cost of training sizes on so many tokens; infinite where tokens are."""
        return np.asarray(self.training.at(size) * np.asarray(tokens, float))

    def served(self, size: ArrayLike) -> Array:
        """Cost of serving sizes for life."""
        return np.zeros(np.shape(size)) if self.serving is None else self.serving.at(size)

    def total(self, size: ArrayLike, tokens: ArrayLike) -> Array:
        return self.trained(size, tokens) + self.served(size)


def _in_proportion(cost: float) -> PerSize:
    """So much for each parameter."""
    sizes = (1e6, 1e12)
    return PerSize(sizes, tuple(size * cost for size in sizes))
