"""What a parameter costs over a model's life: for each token it is trained on, and for all that it serves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """Costs in `unit` that grow with size: `training` per parameter and training token, `serving` per parameter.

    `serving` is that of the whole life. With FLOPs they are 6 and 2 x inference tokens (Sardana et al. 2024).

    >>> rates = Rates.flops(2e12)
    >>> float(rates.total(7e9, 1e12)), rates.serving_tokens
    (7e+22, 666666666666.6666)
    """

    training: float
    serving: float
    unit: str

    @classmethod
    def flops(cls, inference_tokens: float) -> Rates:
        return cls(FLOPS_PER_PARAMETER_AND_TOKEN, SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * inference_tokens, "FLOPs")

    @property
    def serving_tokens(self) -> float:
        """The training tokens that cost as much as serving the whole life."""
        return self.serving / self.training

    def total(self, size: Array | float, tokens: Array | float) -> Array:
        """Cost of training a size on so many tokens and serving it for life; infinite where tokens are."""
        return np.asarray(size * (self.training * np.asarray(tokens, float) + self.serving))
