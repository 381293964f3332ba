"""What a size costs over a model's life: for each token it is trained on, and for all that it serves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN, Choices

Array = NDArray[np.float64]
PLAIN = Choices()


@dataclass(frozen=True)
class PerSize:
    """A cost by size, known at some rising sizes (k,); a power of size between two of them and beyond the last.

    A size stands for `times` it `+ extra` of these, where a token meets its parameters more than once or meets others.

    >>> PerSize((1e9, 1e10), (2.0, 40.0)).at([1e9, 10**9.5]).round(3)
    array([2.   , 8.944])
    """

    sizes: tuple[float, ...]
    costs: tuple[float, ...]
    times: float = 1.0
    extra: float = 0.0

    def at(self, size: ArrayLike) -> Array:
        """The cost at sizes of any shape."""
        x = np.log(self.times * np.asarray(size, float) + self.extra)
        known, costs = np.log(self.sizes), np.log(self.costs)
        i = np.clip(np.searchsorted(known, x) - 1, 0, len(known) - 2)
        slope = np.diff(costs) / np.diff(known)
        return np.asarray(np.exp(costs[i] + slope[i] * (x - known[i])))


@dataclass(frozen=True)
class Rates:
    """Costs in `unit` by size: `training` for each token, `serving` for the whole life, None where nothing is served.

    `once` is spent before serving, whatever the size; it counts as training.

    With FLOPs they are 6 and 2 x inference tokens for each parameter (Sardana et al. 2024).

    >>> f"{Rates.flops(2e12).total(7e9, 1e12):.6g}"
    '7e+22'
    """

    unit: str
    training: PerSize
    serving: PerSize | None
    once: float = 0.0

    @classmethod
    def flops(cls, inference_tokens: float, choices: Choices = PLAIN) -> Rates:
        """FLOPs by the rule, under choices beyond size and tokens; all tokens that are processed count."""
        served = SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * inference_tokens
        trained = _in_proportion(FLOPS_PER_PARAMETER_AND_TOKEN, choices.times, choices.extra)
        return cls("FLOPs", trained, _in_proportion(served, choices.served_times, choices.extra) if served else None,
                   choices.once)  # fmt: skip

    def trained(self, size: ArrayLike, tokens: ArrayLike) -> Array:
        """Cost of training sizes on so many tokens; infinite where tokens are."""
        return np.asarray(self.training.at(size) * np.asarray(tokens, float) + self.once)

    def served(self, size: ArrayLike) -> Array:
        """Cost of serving sizes for life."""
        return np.zeros(np.shape(size)) if self.serving is None else self.serving.at(size)

    def total(self, size: ArrayLike, tokens: ArrayLike) -> Array:
        return self.trained(size, tokens) + self.served(size)


def _in_proportion(cost: float, times: float, extra: float) -> PerSize:
    """So much for each parameter that a token meets."""
    sizes = (1e6, 1e12)
    return PerSize(sizes, tuple(size * cost for size in sizes), times, extra)
