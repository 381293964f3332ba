"""What prunes the samples of an epoch by their losses, and what it gives: which samples, in which order, at which weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chosen:
    """The samples of one epoch in the order of training: `indices` (m,) and the `weights` (m,) of their losses."""

    indices: NDArray[np.int64]
    weights: Array

    def __len__(self) -> int:
        return len(self.indices)


class Pruner(Protocol):
    """Chooses the samples of an epoch; a new one is a class in a file of its own and a line in `find.py`."""

    @property
    def ratio(self) -> float:
        """The share that is pruned of what may be pruned."""

    def choose(self, losses: Array, epoch: int, epochs: int, rng: np.random.Generator) -> Chosen:
        """The samples of an epoch, counted from 0, by the loss that each had when last seen; NaN for never.

        What is drawn comes from `rng` alone.
        """


def annealed(epoch: int, epochs: int, annealing: float) -> bool:
    """Whether an epoch, counted from 0, is of the last share of them, in which nothing is pruned by loss.

    >>> [annealed(epoch, 8, 0.25) for epoch in range(8)].index(True)
    6
    """
    return epoch + 1 > (1 - annealing) * epochs + 1e-9


def everything(count: int, rng: np.random.Generator) -> Chosen:
    """All samples, shuffled."""
    return shuffled(np.arange(count), np.ones(count), rng)


def shuffled(indices: NDArray[np.int64], weights: Array, rng: np.random.Generator) -> Chosen:
    """Samples in a random order."""
    order = rng.permutation(len(indices))
    return Chosen(indices[order], weights[order])


def sampled(indices: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """A share of some samples without replacement; each is kept with exactly that chance.

    The whole number of samples that is not a share is rounded at random, so that no rounding biases a sum.

    >>> len(sampled(np.arange(10), 0.5, np.random.default_rng(0)))
    5
    """
    wanted = share * len(indices)
    count = int(wanted) + int(rng.random() < wanted % 1)
    return np.asarray(rng.permutation(indices)[:count])


def check_shares(ratio: float, annealing: float) -> None:
    """Refuse shares that prune everything or last longer than the run."""
    if not 0 <= ratio < 1:
        raise Refused("bad-ratio", f"a share of {ratio:g} cannot be pruned", "ratio", "give 0 or more, and less than 1")
    if not 0 <= annealing <= 1:
        raise Refused("bad-annealing", f"{annealing:g} is no share of the epochs", "annealing", "give 0 to 1")


def check_losses(losses: Array) -> None:
    """Refuse a pool without samples, and losses that are infinite: they have no mean."""
    if not len(losses):
        raise Refused("no-samples", "the pool has no samples", "losses", "give at least one")
    if np.isinf(losses).any():
        at = int(np.flatnonzero(np.isinf(losses))[0])
        raise Refused("bad-loss", f"the loss of sample {at} is infinite", "losses", "leave it out, or lower the rate")
