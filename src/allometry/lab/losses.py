"""Losses: functions of a model and a batch, giving one number or one for each sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

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


class Judged(NamedTuple):
    """Mean cross-entropy of all tokens, of those of answers and of those of names, in nats, and the share of answers
    that are right."""

    loss: float
    accuracy: float
    answer_loss: float
    name_loss: float | None = None


@torch.no_grad()
def evaluate_answers(model: nn.Module, held_out: Tensor, answers: Tensor, batch: int = 128) -> Judged:
    """What `evaluate` gives, and beside it how the answers do, in the same pass.

    Arguments: windows (n, context + 1) and, for each of their tokens, the number of the answer it is part of, 0, or -1
    for part of a name; windows must cut no answer in two, for the part in one would be judged as if it were the whole.
    An answer counts as right where each token is the likeliest behind the right ones before it: that is where the model,
    left to write on by itself and always taking the likeliest, writes it as it is.
    """
    losses, wrong = [], []
    for part in held_out.split(batch):
        logits = model(part[:, :-1])
        losses.append(functional.cross_entropy(logits.transpose(1, 2), part[:, 1:], reduction="none").flatten())
        wrong.append((logits.argmax(dim=-1) != part[:, 1:]).flatten())
    each, numbers = torch.cat(losses).double(), answers[:, 1:].flatten()
    asked, names = numbers > 0, numbers < 0
    mistakes = torch.bincount(numbers[asked], weights=torch.cat(wrong)[asked].double())
    counts = torch.bincount(numbers[asked])
    right = (mistakes[counts > 0] == 0).double().mean()
    name_loss = float(each[names].mean()) if names.any() else None
    return Judged(float(each.mean()), float(right), float(each[asked].mean()), name_loss)
