"""InfoBatch: prune some of what is learned already, and weigh what is kept of it for what is not."""

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
class InfoBatch:
    """Of samples whose loss is below the mean a share `ratio` is left out at random, the others weigh 1/(1 - ratio).

    Use it where losses differ between samples and a run passes over its data several times. The weighted sum of the
    gradients of an epoch has the full sum as its expectation, whatever the losses. The last share `annealing` of the
    epochs is trained on everything. Samples never seen are kept. With f of the samples below the mean an epoch is
    shorter by ratio * f.
    Source: Qin et al. 2024, arXiv 2303.04947, eq. 2 and sec. 3, with the authors' code (NUS-HPC-AI-Lab/InfoBatch);
    theirs rounds the number kept down, ours rounds it at random, which keeps the expectation exact.

    >>> chosen = InfoBatch(0.5).choose(np.array([1.0, 1.0, 1.0, 1.0, 9.0]), 0, 8, np.random.default_rng(0))
    >>> sorted(chosen.weights.tolist())
    [1.0, 2.0, 2.0]
    """

    ratio: float = 0.5
    annealing: float = 0.125

    def __post_init__(self) -> None:
        check_shares(self.ratio, self.annealing)

    def choose(self, losses: Array, epoch: int, epochs: int, rng: np.random.Generator) -> Chosen:
        check_losses(losses)
        seen = ~np.isnan(losses)
        if annealed(epoch, epochs, self.annealing) or not seen.any():
            return everything(len(losses), rng)
        learned = seen & (losses < losses[seen].mean())
        kept, others = sampled(np.flatnonzero(learned), 1 - self.ratio, rng), np.flatnonzero(~learned)
        weights = np.concatenate([np.ones(len(others)), np.full(len(kept), 1 / (1 - self.ratio))])
        return shuffled(np.concatenate([others, kept]), weights, rng)
