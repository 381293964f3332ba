"""Random pruning: another random part of the pool in each epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allometry.data.sampling.pruners.pruner import (
    Array,
    Chosen,
    annealed,
    check_losses,
    check_shares,
    everything,
    sampled,
    shuffled,
)


@dataclass(frozen=True)
class Random:
    """In each epoch a share `ratio` of the samples is left out at random; in the last share `annealing` of epochs none.

    Use it as the line to beat: it saves ratio * (1 - annealing) of the samples whatever the losses are. A pruner that
    is no better than this at the same saving has learned nothing from the losses.

    >>> len(Random(0.25).choose(np.zeros(8), 0, 8, np.random.default_rng(0)))
    6
    """

    ratio: float = 0.5
    annealing: float = 0.125

    def __post_init__(self) -> None:
        check_shares(self.ratio, self.annealing)

    def choose(self, losses: Array, epoch: int, epochs: int, rng: np.random.Generator) -> Chosen:
        check_losses(losses)
        if annealed(epoch, epochs, self.annealing):
            return everything(len(losses), rng)
        kept = sampled(np.arange(len(losses)), 1 - self.ratio, rng)
        return shuffled(kept, np.ones(len(kept)), rng)
