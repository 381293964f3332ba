"""Sources of batches: what a run is trained on, one step after another.

The loop knows a source by four methods, so that a source may replay old data, drop samples by their losses, or draw
answers from the model itself, and a killed run goes on from where its source was.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from allometry.lab.corpus import check_epoch, check_held_out, windows


class Source(Protocol):
    """What the loop asks of a source of batches."""

    def batch(self, step: int) -> Any:
        """The batch of a step, counted from 1: whatever the loss of the run takes. Asked for once a step, in order."""

    def see(self, step: int, losses: Tensor) -> None:
        """Told after each step what its batch lost: one number, or one for each sample, as the loss gives them."""

    def state(self) -> dict[str, Any]:
        """All that the source goes on from after a kill, beside the step: numbers, texts, tensors, lists, dicts."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""


class Windows:
    """Distinct windows of a corpus in a seed's own order; under one epoch by construction.

    Arguments: `data` tokens; `context` tokens of a window, behind which its last target follows; `size` windows in a
    batch; `steps` batches. A batch is (size, context + 1) token ids: inputs and, shifted by one, targets.
    Errors: `Refused` for more than one epoch.
    """

    def __init__(self, data: np.ndarray, context: int, size: int, steps: int, seed: int) -> None:
        available = windows(data, context)
        check_epoch(len(available), size * steps, context)
        chosen = np.random.default_rng(seed).permutation(len(available))[: size * steps]
        self._available, self._chosen, self._size = available, chosen, size

    def batch(self, step: int) -> Tensor:
        chosen = self._chosen[(step - 1) * self._size : step * self._size]
        return torch.from_numpy(self._available[chosen].astype(np.int64))

    def see(self, step: int, losses: Tensor) -> None:
        """Nothing here depends on losses."""

    def state(self) -> dict[str, Any]:
        return {}  # the step says it all

    def restore(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


def evaluation_windows(data: np.ndarray, context: int, count: int) -> Tensor:
    """The same windows for every run, spread evenly over the held-out tokens."""
    available = windows(data, context)
    check_held_out(len(available), count)
    chosen = np.linspace(0, len(available) - 1, count).astype(int)
    return torch.from_numpy(available[chosen].astype(np.int64))
