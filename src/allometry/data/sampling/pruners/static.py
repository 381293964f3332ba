"""Static pruning: the same random part of the pool in all epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allometry.data.sampling.pruners.pruner import Array, Chosen, check_losses, check_shares, sampled, shuffled


@dataclass(frozen=True)
class Static:
    """A share `ratio` of the samples, drawn once by `seed`, is never trained on.

    Use it to tell what dynamic pruning is worth: at equal cost it sees fewer distinct samples than any other.

    >>> pruner, losses = Static(0.5), np.zeros(8)
    >>> both = [set(pruner.choose(losses, epoch, 4, np.random.default_rng(epoch)).indices.tolist()) for epoch in (0, 3)]
    >>> both[0] == both[1], len(both[0])
    (True, 4)
    """

    ratio: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        check_shares(self.ratio, 0.0)

    def choose(self, losses: Array, epoch: int, epochs: int, rng: np.random.Generator) -> Chosen:
        check_losses(losses)
        kept = sampled(np.arange(len(losses)), 1 - self.ratio, np.random.default_rng(self.seed))
        return shuffled(kept, np.ones(len(kept)), rng)
