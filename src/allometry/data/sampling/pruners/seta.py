"""SeTa: a random part of the pool, grouped by loss, of which a window slides from easy to hard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.data.sampling.pruners.pruner import (
    Array,
    Chosen,
    annealed,
    check_losses,
    check_shares,
    sampled,
    shuffled,
)
from allometry.notices import Refused

# Lloyd's steps on one dimension: far more than groups of losses need to settle.
_STEPS = 50


@dataclass(frozen=True)
class SeTa:
    """A share `ratio` is left out at random, the rest is put in `groups` by loss, and `window` of the groups is trained.

    The window begins one group further in each epoch and starts over at the easiest when it has reached the hardest;
    the first epoch takes all groups. In the last share `annealing` of the epochs a random 1 - ratio of the pool is
    trained on, whatever its losses. Use it where a pool is large and redundant; nothing is weighed, so its gradients
    are biased by design.
    Source: Zhou et al. 2025, arXiv 2503.13385, by the authors' code (mrazhou/SeTa), whose defaults these are, the ratio
    apart. Samples never seen count as the hardest seen; theirs gives all of them a loss of 3.

    >>> losses = np.repeat([1.0, 2.0, 3.0, 4.0], 5)
    >>> pruner = SeTa(ratio=0.0, groups=4, window=0.5)
    >>> chosen = [pruner.choose(losses, epoch, 16, np.random.default_rng(0)) for epoch in (0, 1, 2)]
    >>> [np.unique(losses[one.indices]).tolist() for one in chosen]
    [[1.0, 2.0, 3.0, 4.0], [2.0, 3.0], [3.0, 4.0]]
    """

    ratio: float = 0.3
    annealing: float = 0.125
    groups: int = 10
    window: float = 0.5

    def __post_init__(self) -> None:
        check_shares(self.ratio, self.annealing)
        if self.groups < 1 or not 0 < self.window <= 1 or round(self.groups * self.window) < 1:
            raise Refused("bad-window", f"{self.window:g} of {self.groups} groups is no group", "window",
                          "give a window from 0 to 1 that holds a group or more")  # fmt: skip

    def choose(self, losses: Array, epoch: int, epochs: int, rng: np.random.Generator) -> Chosen:
        check_losses(losses)
        kept = sampled(np.arange(len(losses)), 1 - self.ratio, rng)
        if not annealed(epoch, epochs, self.annealing) and epoch > 0 and not np.isnan(losses).all():
            kept = self._slide(kept, np.where(np.isnan(losses), np.nanmax(losses), losses)[kept], epoch)
        return shuffled(kept, np.ones(len(kept)), rng)

    def _slide(self, kept: NDArray[np.int64], losses: Array, epoch: int) -> NDArray[np.int64]:
        """The samples of the groups in the window of an epoch."""
        if not len(kept):
            return kept
        found = group_by_loss(losses, self.groups)
        number = int(found.max()) + 1
        size = max(1, round(number * self.window))
        start = epoch % (number - size + 1)
        return kept[(found >= start) & (found < start + size)]


def group_by_loss(losses: Array, groups: int) -> NDArray[np.int64]:
    """The number of each loss's group, from easy to hard, by k-means on the losses from their quantiles; (n,) both.

    Losses all the same are dealt out in their order. There may be fewer groups than asked for.

    >>> group_by_loss(np.array([5.0, 0.1, 5.2, 0.0]), 2).tolist()
    [1, 0, 1, 0]
    """
    groups = min(groups, len(losses))
    if np.ptp(losses) == 0:
        return np.arange(len(losses)) * groups // len(losses)
    centres = np.unique(np.quantile(losses, (np.arange(groups) + 0.5) / groups))
    ordered, order = np.sort(losses), np.argsort(losses, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    for _ in range(_STEPS):
        ends = np.concatenate([[0], np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2), [len(ordered)]])
        counts = np.diff(ends)
        moved = np.diff(sums[ends])[counts > 0] / counts[counts > 0]
        if len(moved) == len(centres) and np.allclose(moved, centres, rtol=1e-12, atol=0):
            break
        centres = moved
    found = np.empty(len(losses), dtype=np.int64)
    found[order] = np.searchsorted((centres[1:] + centres[:-1]) / 2, ordered, side="right")
    return found
