"""Small networks on pruned images of handwritten digits, those that scikit-learn ships with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from _pruning_rows import IMAGES, Rows
from _pruning_runs import Recipe, kept_rows
from allometry.data.pools import open_pool
from allometry.data.pruning import ScoreSettings, score
from allometry.lab.loop import Loop
from allometry.notices import Refused

POOLS, TEST, WIDTH, CLASSES = (120, 1200), 597, 16, 10
NAMES = ("margin", "el2n", "forgetting", "prototype")
METRICS = ("random", *(f"{name} {side}" for name in NAMES for side in ("easiest", "hardest")))
EARLY, EVERY = (10, 20), 10  # steps that EL2N takes probabilities at; steps between looks at what is right
ROWS = Rows(IMAGES)


def _network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES))


def _loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1])


RECIPE = Recipe(_network, _loss, steps=150, size=32, peak=2e-2)


@dataclass(frozen=True)
class Images:
    """Pixels (images, 64) from 0 to 1 and the digit of each."""

    pixels: Tensor
    digits: Tensor

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.pixels[rows], self.digits[rows]

    def part(self, rows: np.ndarray) -> Images:
        return Images(*self.take(torch.from_numpy(rows)))

    @torch.no_grad()
    def error(self, model: nn.Module) -> float:
        """The share that the model takes for another digit."""
        return float((model(self.pixels).argmax(dim=1) != self.digits).double().mean())


def read_images() -> tuple[Images, Images]:
    """Images to train on and to test on, split the same way for every run."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        mend = "pip install scikit-learn"
        raise Refused("no-images", "the images ship with scikit-learn, which is not here", "images", mend) from None
    found = load_digits()
    every = Images(torch.from_numpy(found.data / 16).float(), torch.from_numpy(found.target).long())
    order = np.random.default_rng(0).permutation(len(found.target))
    return every.part(order[TEST:]), every.part(order[:TEST])


def train(seeds: Sequence[int]) -> None:
    """Every run that has no row yet."""
    whole, test = read_images()
    for seed in seeds:
        for size in POOLS:
            missing = ROWS.missing(METRICS, seed, size)
            if missing:
                drawn = np.random.default_rng([seed, size]).choice(len(whole.digits), size, replace=False)
                _train_pool(whole.part(drawn), missing, test, seed)


def _train_pool(pool: Images, missing: list[tuple[str, float]], test: Images, seed: int) -> None:
    model, scores = scored(pool, seed)
    for metric, kept in missing:
        rows = kept_rows(metric, kept, scores, pool.digits.numpy())
        # The reference is the run on the whole pool.
        trained = model if kept == 1 else RECIPE.train(pool.take, rows, seed)
        ROWS.add(
            metric=metric, kept=kept, examples=len(rows), error=test.error(trained), seed=seed, pool=len(pool.digits)
        )


def scored(pool: Images, seed: int) -> tuple[nn.Module, dict[str, np.ndarray]]:
    """A reference trained on the whole pool, and what each metric says of every image."""
    early: list[np.ndarray] = []
    right: list[np.ndarray] = []

    @torch.no_grad()
    def look(loop: Loop) -> None:
        if loop.step in EARLY:
            early.append(loop.model(pool.pixels).softmax(dim=1).numpy())
        if loop.step % EVERY == 0:
            right.append((loop.model(pool.pixels).argmax(dim=1) == pool.digits).numpy())

    size = len(pool.digits)
    model = RECIPE.train(pool.take, np.arange(size), seed, after=(look,))
    with torch.no_grad():
        late = model(pool.pixels).softmax(dim=1).numpy()
    columns = {"label": pool.digits.numpy(), "correct": np.stack(right, axis=1), "embeddings": pool.pixels.numpy()}
    settings = ScoreSettings(seed=seed, clusters=CLASSES)
    probabilities = {"el2n": np.stack(early, axis=1)}
    return model, {
        name: score(open_pool({**columns, "probabilities": probabilities.get(name, late)}), name, settings)
        for name in ("random", *NAMES)
    }
