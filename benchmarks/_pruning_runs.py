"""What the pruning campaigns share: what is kept, and one run of fixed steps on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from allometry.data.pruning import prune
from allometry.lab.loop import Loop, seed_everything
from allometry.lab.losses import Loss
from allometry.lab.optimisers import AdamW
from allometry.lab.schedules import Cosine


class Repeated:
    """Epochs over some rows of a pool, each in an order of its own, for as many steps as any other run has.

    `take` gives the batch of row numbers.
    """

    def __init__(self, take: Callable[[Tensor], Any], rows: np.ndarray, size: int, steps: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        epochs = -(-steps * size // len(rows))
        self._order = np.concatenate([draw.permutation(rows) for _ in range(epochs)])
        self._take, self._size = take, size

    def batch(self, step: int) -> Any:
        return self._take(torch.from_numpy(self._order[(step - 1) * self._size : step * self._size]))

    def see(self, step: int, losses: Tensor) -> None:
        """Nothing here depends on losses."""

    def state(self) -> dict[str, Any]:
        return {}  # the step says it all

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


@dataclass(frozen=True)
class Recipe:
    """How every run of a campaign is trained: the same model, steps, batch and schedule, whatever is kept."""

    build: Callable[[], nn.Module]
    loss: Loss
    steps: int
    size: int
    peak: float

    def train(
        self, take: Callable[[Tensor], Any], rows: np.ndarray, seed: int, after: Sequence[Callable[[Loop], None]] = ()
    ) -> nn.Module:
        """The trained model; weights and orders follow from the seed alone, so that runs of one seed are paired."""
        torch.set_num_threads(1)
        seed_everything(seed)
        source, schedule = Repeated(take, rows, self.size, self.steps, seed), Cosine()
        loop = Loop(
            self.build(), source, lambda step: self.peak * schedule.share(step, self.steps), AdamW().build, self.loss,
            after=after,
        )  # fmt: skip
        for _ in range(self.steps):
            loop.update()
        return loop.model


def kept_rows(metric: str, kept: float, scores: dict[str, np.ndarray], labels: np.ndarray | None = None) -> np.ndarray:
    """Rows that `METRIC SIDE` keeps, `random` being the metric of that name; all are kept for 1.

    With `labels` each class keeps half of its share at least, of random rows as of any.

    >>> kept_rows("loss hardest", 0.5, {"loss": np.array([1.0, 3.0, 2.0, 0.0])}).tolist()
    [1, 2]
    """
    name, _, side = metric.partition(" ")
    return prune(scores[name], kept, "easiest" if side == "easiest" else "hardest", labels=labels).rows
