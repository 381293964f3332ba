"""Train one model to one budget and measure its held-out loss.

Each run has its own warm-up and cosine decay to its own budget: a checkpoint of a longer
run is not a run of its own (Hoffmann et al. 2022). Data is drawn without repetition.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from allometry.costs import Shape
from allometry.lab.corpus import Corpus, windows
from allometry.lab.transformer import Transformer


@dataclass(frozen=True)
class Recipe:
    """How a run is trained; everything but shape, budget and seed."""

    context: int = 128
    batch_windows: int = 8
    learning_rate: float = 2e-2
    # Measured, coarsely: on 0.5 and 1 M bytes the best peaks of a sweep by factors of two were 2e-2 at
    # width 32, 1.3e-2 at 48, 5e-3 at 80 and 3e-3 at 96; warm-ups under a fifth of the steps lost up to 0.1 nats.
    reference_width: int = 32
    width_exponent: float = 1.5
    warmup_share: float = 0.2
    final_share: float = 0.1
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    evaluation_windows: int = 1024
    evaluations: int = 4

    def peak(self, shape: Shape) -> float:
        return self.learning_rate * (self.reference_width / shape.width) ** self.width_exponent

    @property
    def batch_tokens(self) -> int:
        return self.context * self.batch_windows


@dataclass(frozen=True)
class Measurement:
    step: int
    tokens: int
    learning_rate: float
    train_loss: float
    loss: float
    seconds: float


def train(shape: Shape, tokens: int, seed: int, corpus: Corpus, recipe: Recipe) -> Iterator[Measurement]:
    """Train on `tokens` bytes and yield held-out losses (nats per byte), the last at the end."""
    torch.manual_seed(seed)
    model = Transformer(shape, recipe.context)
    optimiser = _optimiser(model, recipe)
    batches = _batches(corpus.train, tokens, seed, recipe)
    held_out = _evaluation_windows(corpus.held_out, recipe)
    steps, began, recent = len(batches), time.perf_counter(), 0.0
    due = {round(steps * (i + 1) / recipe.evaluations) for i in range(recipe.evaluations)}
    for step, batch in enumerate(batches, start=1):
        rate = recipe.peak(shape) * schedule(step, steps, recipe)
        value = _update(model, optimiser, batch, rate, recipe.clip)
        recent = value if step == 1 else 0.95 * recent + 0.05 * value
        if step in due:
            loss = evaluate(model, held_out)
            yield Measurement(step, step * recipe.batch_tokens, rate, recent, loss, time.perf_counter() - began)


def schedule(step: int, steps: int, recipe: Recipe) -> float:
    """Share of the peak rate at `step` of 1..`steps`: linear warm-up, then half a cosine."""
    warmup = max(1, round(recipe.warmup_share * steps))
    if step <= warmup:
        return step / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return recipe.final_share + (1 - recipe.final_share) * (1 + math.cos(math.pi * progress)) / 2


@torch.no_grad()
def evaluate(model: Transformer, held_out: torch.Tensor, batch: int = 128) -> float:
    """Mean cross-entropy in nats per byte over held-out windows (n, context + 1)."""
    losses = [float(_loss(model, part)) * len(part) for part in held_out.split(batch)]
    return sum(losses) / len(held_out)


def _loss(model: Transformer, batch: torch.Tensor) -> torch.Tensor:
    logits = model(batch[:, :-1])
    return functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())


def _update(
    model: Transformer, optimiser: torch.optim.Optimizer, batch: torch.Tensor, rate: float, clip: float
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    loss = _loss(model, batch)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimiser.step()
    return float(loss.detach())


def _optimiser(model: Transformer, recipe: Recipe) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas, fused=True)


def _batches(data: np.ndarray, tokens: int, seed: int, recipe: Recipe) -> tuple[torch.Tensor, ...]:
    """Batches of distinct windows in the seed's own order: under one epoch by construction."""
    available = windows(data, recipe.context)
    steps = tokens // recipe.batch_tokens
    needed = steps * recipe.batch_windows
    if needed > len(available):
        raise ValueError(f"{tokens} tokens are more than one epoch of the corpus ({len(data)} bytes)")
    chosen = np.random.default_rng(seed).permutation(len(available))[:needed]
    return torch.from_numpy(available[chosen].astype(np.int64)).split(recipe.batch_windows)


def _evaluation_windows(data: np.ndarray, recipe: Recipe) -> torch.Tensor:
    """The same windows for every run, spread evenly over the held-out files."""
    available = windows(data, recipe.context)
    if len(available) < recipe.evaluation_windows:
        raise ValueError(
            f"{len(available)} held-out windows are fewer than the {recipe.evaluation_windows} to evaluate on"
        )
    chosen = np.linspace(0, len(available) - 1, recipe.evaluation_windows).astype(int)
    return torch.from_numpy(available[chosen].astype(np.int64))
