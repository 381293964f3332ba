"""Byte-level models on pruned windows of the standard library, with planted noise and planted copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from _pruning_rows import TEXT, Rows
from _pruning_runs import Recipe, kept_rows
from allometry.costs import Shape
from allometry.data.pools import open_pool
from allometry.data.pruning import ScoreSettings, score
from allometry.lab.batches import evaluation_windows
from allometry.lab.corpus import Corpus, windows
from allometry.lab.loop import Loop
from allometry.lab.losses import evaluate, next_token, next_token_each
from allometry.lab.models import build

CONTEXT, POOLS = 128, (256, 4096)
NOISE, COPIES, EACH = 0.1, 0.2, 10  # shares of the pool; a window that is copied has so many copies
CLEAN_KIND, NOISE_KIND, COPY_KIND = range(3)
SHAPE = Shape(layers=2, width=32, heads=2, head_size=16, ffn=128, vocab=256)
RECIPE = Recipe(lambda: build(SHAPE, CONTEXT), next_token, steps=600, size=16, peak=1e-2)
EARLY = (100, 200)  # steps of the reference whose probabilities EL2N takes
TOKENS = 8  # of a window that EL2N looks at, evenly spread: all 128 would be gigabytes
BIGRAMS, HELD_OUT = 32, 128  # numbers of an embedding; windows of the test
METRICS = (
    "random", "perplexity easiest", "perplexity hardest", "el2n easiest", "prototype easiest", "prototype hardest",
)  # fmt: skip
ROWS = Rows(TEXT, ("noise_dropped", "copies_dropped"))


@dataclass(frozen=True)
class Planted:
    """A pool (windows, CONTEXT + 1) and the kind of each window."""

    windows: Tensor
    kinds: np.ndarray

    def take(self, rows: Tensor) -> Tensor:
        return self.windows[rows]

    def dropped(self, rows: np.ndarray, kind: int) -> float:
        """The share of windows of a kind that are not among the rows."""
        return 1 - float((self.kinds[rows] == kind).sum() / (self.kinds == kind).sum())


def plant(corpus: Corpus, size: int, seed: int) -> Planted:
    """A pool of training windows, some of them random bytes and some copies of others, in random order."""
    draw = np.random.default_rng([seed, size])
    available = windows(corpus.train, CONTEXT)
    noise, copies = round(NOISE * size), round(COPIES * size)
    clean = available[draw.choice(len(available), size - noise - copies, replace=False)]
    random = draw.integers(0, 256, (noise, CONTEXT + 1))
    copied = clean[np.arange(copies) // EACH]
    kinds = np.repeat([CLEAN_KIND, NOISE_KIND, COPY_KIND], [len(clean), noise, copies])
    order = draw.permutation(size)
    return Planted(torch.from_numpy(np.concatenate([clean, random, copied]).astype(np.int64)[order]), kinds[order])


def train(corpus: Corpus, seeds: Sequence[int]) -> None:
    """Every run that has no row yet."""
    held_out = evaluation_windows(corpus.held_out, CONTEXT, HELD_OUT)
    for seed in seeds:
        for size in POOLS:
            missing = ROWS.missing(METRICS, seed, size)
            if missing:
                _train_pool(plant(corpus, size, seed), missing, held_out, seed)


def _train_pool(pool: Planted, missing: list[tuple[str, float]], held_out: Tensor, seed: int) -> None:
    size = len(pool.windows)
    model, scores = scored(pool, seed)
    for metric, kept in missing:
        rows = kept_rows(metric, kept, scores)
        # The reference is the run on the whole pool.
        trained = model if kept == 1 else RECIPE.train(pool.take, rows, seed)
        ROWS.add(
            metric=metric, kept=kept, examples=len(rows), error=evaluate(trained, held_out), seed=seed, pool=size,
            noise_dropped=pool.dropped(rows, NOISE_KIND), copies_dropped=pool.dropped(rows, COPY_KIND),
        )  # fmt: skip


def scored(pool: Planted, seed: int) -> tuple[nn.Module, dict[str, np.ndarray]]:
    """A reference trained on the whole pool, noise and copies and all, and what each metric says of every window."""
    early: list[np.ndarray] = []

    def look(loop: Loop) -> None:
        if loop.step in EARLY:
            early.append(_probabilities(loop.model, pool.windows))

    size = len(pool.windows)
    model = RECIPE.train(pool.take, np.arange(size), seed, after=(look,))
    with torch.no_grad():
        nats = CONTEXT * torch.cat([next_token_each(model, part) for part in pool.windows.split(64)]).numpy()
    labels = pool.windows[:, 1:][:, :: CONTEXT // TOKENS].flatten().numpy()
    by_token = score(open_pool({"probabilities": np.stack(early, axis=1), "label": labels}), "el2n")
    whole = open_pool({
        "nats": nats.astype(np.float64), "tokens": np.full(size, CONTEXT), "embeddings": _embeddings(pool.windows),
    })  # fmt: skip
    settings = ScoreSettings(seed=seed)
    found = {name: score(whole, name, settings) for name in ("random", "perplexity", "prototype")}
    return model, {**found, "el2n": by_token.reshape(size, TOKENS).mean(axis=1)}


@torch.no_grad()
def _probabilities(model: nn.Module, text: Tensor) -> np.ndarray:
    """Probabilities (windows * TOKENS, 256) of the bytes that EL2N looks at."""
    parts = [model(part[:, :-1])[:, :: CONTEXT // TOKENS].softmax(dim=-1) for part in text.split(64)]
    return torch.cat(parts).flatten(0, 1).numpy()


def _embeddings(text: Tensor) -> np.ndarray:
    """Square roots of the counts of byte pairs, projected at random (the same way for every pool)."""
    pairs = (text[:, :-1] * 256 + text[:, 1:]).numpy()
    projection = np.random.default_rng(0).standard_normal((1 << 16, BIGRAMS)).astype(np.float32)
    found = np.zeros((len(pairs), BIGRAMS), dtype=np.float32)
    for row, own in enumerate(pairs):
        pair, count = np.unique(own, return_counts=True)
        found[row] = np.sqrt(count) @ projection[pair]
    return found
