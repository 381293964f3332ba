"""A source of batches that prunes a pool by the losses it is told, epoch by epoch, and the loss that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from allometry.data.sampling.pruners import Pruner
from allometry.lab.losses import next_token_each
from allometry.lab.schedules import Schedule
from allometry.notices import Refused


class PrunedEpochs:
    """Passes over a pool of windows, each of the samples that a pruner chooses by the losses so far.

    Use it with the loss `weighted_next_token`. A run of pruned epochs is shorter than one of full ones, by how much is
    only known at its end: train while not `done`, and give `rate_of` to the loop, whose schedule runs over epochs.

    Arguments: `pool` (n, length + 1) token ids; `size` windows in a batch; `epochs` passes; `seed` of what is drawn. A
    batch is (windows, their weights). What does not fill a batch goes into the first one of the next epoch.
    Errors: `Refused` for a pool smaller than a batch.
    """

    def __init__(self, pool: Tensor, pruner: Pruner, size: int, epochs: int, seed: int = 0) -> None:
        if len(pool) < size or size < 1 or epochs < 1:
            raise Refused("small-pool", f"{len(pool)} windows give no {epochs} epochs in batches of {size}", "the pool",
                          "give more windows, or smaller batches")  # fmt: skip
        self.pool, self.pruner, self.size, self.epochs, self.seed = pool, pruner, size, epochs, seed
        self.epoch, self.trained = 0, 0
        self._lost = np.full(len(pool), np.nan)
        self._queue, self._weights = np.zeros(0, dtype=np.int64), np.zeros(0)
        self._length = 0
        self._batch, self._batch_weights = self._queue, self._weights

    @property
    def done(self) -> bool:
        """Whether all epochs are over."""
        return self.epoch == self.epochs and not len(self._queue)

    @property
    def full(self) -> int:
        """Samples that the epochs have without pruning."""
        return len(self.pool) * self.epochs

    @property
    def saved(self) -> float:
        """The share of samples, and so of FLOPs, that full epochs up to here would have taken and these did not."""
        return 1 - self.trained / (len(self.pool) * self.progress * self.epochs) if self.progress else 0.0

    @property
    def progress(self) -> float:
        """The share of the epochs that is over."""
        left = len(self._queue) / self._length if self._length else 0.0
        return (self.epoch - left) / self.epochs

    def rate_of(self, peak: float, schedule: Schedule) -> Callable[[int], float]:
        """The learning rate of the next step, by the share of the epochs that is over."""
        steps = max(1, self.full // self.size)
        return lambda step: peak * schedule.share(min(steps, 1 + int(self.progress * steps)), steps)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        while len(self._queue) < self.size and self.epoch < self.epochs:
            self._begin()
        if not len(self._queue):
            raise Refused(
                "epochs-over", f"the {self.epochs} epochs are over", "the source", "train while it is not done"
            )
        self._batch, self._queue = self._queue[: self.size], self._queue[self.size :]
        self._batch_weights, self._weights = self._weights[: self.size], self._weights[self.size :]
        self.trained += len(self._batch)
        return self.pool[torch.from_numpy(self._batch)], torch.from_numpy(self._batch_weights).float()

    def _begin(self) -> None:
        chosen = self.pruner.choose(self._lost, self.epoch, self.epochs, np.random.default_rng([self.seed, self.epoch]))
        self._queue = np.concatenate([self._queue, chosen.indices])
        self._weights = np.concatenate([self._weights, chosen.weights])
        self._length, self.epoch = len(self._queue), self.epoch + 1

    def see(self, step: int, losses: Tensor) -> None:
        if losses.shape != (len(self._batch),):
            raise Refused("no-losses", "the loss does not tell each sample's", "the source of pruned epochs",
                          "train with weighted_next_token")  # fmt: skip
        self._lost[self._batch] = losses.cpu().double().numpy() / self._batch_weights

    def state(self) -> dict[str, Any]:
        arrays = {"lost": self._lost, "queue": self._queue, "weights": self._weights}
        counts = {"epoch": self.epoch, "trained": self.trained, "length": self._length}
        return {**counts, **{name: torch.from_numpy(array.copy()) for name, array in arrays.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        self.epoch, self.trained, self._length = state["epoch"], state["trained"], state["length"]
        self._lost, self._queue, self._weights = (state[name].numpy().copy() for name in ("lost", "queue", "weights"))


def weighted_next_token(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Each sample's mean cross-entropy times its weight, (samples,); for batches of windows and their weights."""
    windows, weights = batch
    return next_token_each(model, windows) * weights
