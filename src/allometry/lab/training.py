"""Train one model of the embedded ladder to one budget and measure its held-out loss.

Each run has its own warm-up and cosine decay to its own budget: a checkpoint of a longer
run is not a run of its own (Hoffmann et al. 2022). Data is drawn without repetition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from allometry.costs import Shape
from allometry.lab.batches import Windows, evaluation_windows
from allometry.lab.corpus import Corpus
from allometry.lab.loop import Loop
from allometry.lab.losses import evaluate
from allometry.lab.models import build
from allometry.lab.optimisers import AdamW
from allometry.lab.schedules import Cosine


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
    steps = tokens // recipe.batch_tokens
    held_out = evaluation_windows(corpus.held_out, recipe.context, recipe.evaluation_windows)
    loop = Loop(
        build(shape, recipe.context),
        Windows(corpus.train, recipe.context, recipe.batch_windows, steps, seed),
        lambda step: recipe.peak(shape) * schedule(step, steps, recipe),
        AdamW(recipe.weight_decay, *recipe.betas).build,
        clip=recipe.clip,
    )
    due = {round(steps * (i + 1) / recipe.evaluations) for i in range(recipe.evaluations)}
    for step in range(1, steps + 1):
        loop.update()
        if step in due:
            loss, rate = evaluate(loop.model, held_out), loop.rate(step)
            yield Measurement(step, step * recipe.batch_tokens, rate, loop.recent, loss, loop.seconds)


def schedule(step: int, steps: int, recipe: Recipe) -> float:
    """Share of the peak rate at `step` of 1..`steps`: linear warm-up, then half a cosine."""
    return Cosine(recipe.warmup_share, recipe.final_share).share(step, steps)
