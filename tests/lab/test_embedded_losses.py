"""The embedded ladder's training is a loop that anyone would write, to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from torch.nn import functional  # noqa: E402

from allometry.costs import Shape  # noqa: E402
from allometry.lab.corpus import Corpus, windows  # noqa: E402
from allometry.lab.training import Recipe, train  # noqa: E402
from allometry.lab.transformer import Transformer  # noqa: E402

pytestmark = pytest.mark.lab
SHAPE = Shape(layers=2, width=32, heads=2, head_size=16, ffn=64, vocab=256)
RECIPE = Recipe(context=32, evaluation_windows=16, evaluations=2)
STEPS = 20


def plain_loop(corpus: Corpus, seed: int) -> float:
    """The held-out loss after `STEPS` steps, in plain torch."""
    torch.manual_seed(seed)
    model = Transformer(SHAPE, 32)
    groups = [
        {"params": [p for p in model.parameters() if p.dim() == 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() != 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.95), fused=True)
    cut = windows(corpus.train, 32)
    order = np.random.default_rng(seed).permutation(len(cut))
    for step in range(1, STEPS + 1):
        share = step / 4 if step <= 4 else 0.1 + 0.9 * (1 + math.cos(math.pi * (step - 4) / (STEPS - 4))) / 2
        for group in optimiser.param_groups:
            group["lr"] = 2e-2 * share
        batch = torch.from_numpy(cut[order[8 * (step - 1) : 8 * step]].astype(np.int64))
        optimiser.zero_grad()
        functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    held_out = windows(corpus.held_out, 32)
    chosen = torch.from_numpy(held_out[np.linspace(0, len(held_out) - 1, 16).astype(int)].astype(np.int64))
    with torch.no_grad():
        return float(functional.cross_entropy(model(chosen[:, :-1]).flatten(0, 1), chosen[:, 1:].flatten()))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_loop_is_the_plain_one(seed: int) -> None:
    text = np.frombuffer(b"def f(x):\n    return x + 1\n" * 1000, dtype=np.uint8)
    corpus = Corpus(text, text[:4096], ())
    last = list(train(SHAPE, STEPS * RECIPE.batch_tokens, seed, corpus, RECIPE))[-1]
    assert last.loss == plain_loop(corpus, seed)
