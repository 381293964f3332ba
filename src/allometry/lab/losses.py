"""Losses: functions of a model and a batch, giving one number or one for each sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Loss: TypeAlias = Callable[[nn.Module, Any], Tensor]
"""Gives the loss of a batch: a number, or (samples,) where the source of batches is to see each."""


def next_token(model: nn.Module, batch: Tensor) -> Tensor:
    """Mean cross-entropy, in nats per token, of each next token of a batch (samples, length + 1)."""
    logits = model(batch[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def next_token_each(model: nn.Module, batch: Tensor) -> Tensor:
    """The same for each sample: (samples,)."""
    logits = model(batch[:, :-1]).transpose(1, 2)
    return functional.cross_entropy(logits, batch[:, 1:], reduction="none").mean(dim=1)


@torch.no_grad()
def evaluate(model: nn.Module, held_out: Tensor, batch: int = 128) -> float:
    """Mean cross-entropy in nats per token over held-out windows (n, context + 1)."""
    losses = [float(next_token(model, part)) * len(part) for part in held_out.split(batch)]
    return sum(losses) / len(held_out)
