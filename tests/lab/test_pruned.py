"""Pruned epochs in the loop: the stated share is saved, a kill loses nothing, the loss stays beside the full run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.costs import Shape, training_flops  # noqa: E402
from allometry.data.sampling.pruners import find_pruner  # noqa: E402
from allometry.lab.checkpoints import load_state, save_state  # noqa: E402
from allometry.lab.loop import Loop, seed_everything  # noqa: E402
from allometry.lab.losses import evaluate, next_token  # noqa: E402
from allometry.lab.models import build  # noqa: E402
from allometry.lab.optimisers import AdamW  # noqa: E402
from allometry.lab.pruned import PrunedEpochs, weighted_next_token  # noqa: E402
from allometry.lab.schedules import Cosine  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
SHAPE = Shape(layers=1, width=16, heads=2, head_size=8, ffn=32, vocab=32)
CONTEXT, SIZE, EPOCHS = 16, 8, 8


def pool() -> Any:
    """Half of it repeats one text, half is drawn from a chain of tokens: losses that differ."""
    drawn = np.random.default_rng(0)
    chain = np.cumsum(drawn.integers(1, 4, 40 * (CONTEXT + 1))) % 32
    text = np.concatenate([np.tile(np.arange(24), 60)[: 40 * (CONTEXT + 1)], chain])
    return torch.from_numpy(text.reshape(-1, CONTEXT + 1).astype(np.int64))


def make(name: str, **settings: Any) -> tuple[Loop, PrunedEpochs]:
    seed_everything(0)
    source = PrunedEpochs(pool(), find_pruner(name, **settings), SIZE, EPOCHS)
    rate = source.rate_of(1e-2, Cosine())
    return Loop(build(SHAPE, CONTEXT), source, rate, AdamW().build, loss=weighted_next_token), source


def train(name: str, **settings: Any) -> tuple[Loop, PrunedEpochs]:
    loop, source = make(name, **settings)
    while not source.done:
        loop.update()
    return loop, source


def test_the_stated_share_of_flops_is_saved_and_the_loss_stands_beside_the_full_run() -> None:
    full, all_of_it = train("random", ratio=0.0)
    assert all_of_it.saved == 0
    assert full.step == all_of_it.full // SIZE
    held_out = pool()
    before = evaluate(make("random")[0].model, held_out)
    whole = evaluate(full.model, held_out)
    for name, share in (("random", 0.5 * 7 / 8), ("static", 0.5), ("infobatch", None), ("seta", None)):
        settings = {"ratio": 0.5} if name != "seta" else {"ratio": 0.2, "groups": 4}
        loop, source = train(name, **settings)
        if share is not None:
            assert source.saved == pytest.approx(share, abs=0.01)
        assert 0.1 < source.saved < 0.65
        tokens = source.trained * CONTEXT
        assert training_flops(SHAPE, tokens, CONTEXT) == pytest.approx(
            (1 - source.saved) * training_flops(SHAPE, source.full * CONTEXT, CONTEXT)
        )
        assert whole - 0.05 < evaluate(loop.model, held_out) < before - 0.5


@pytest.mark.parametrize("name", ["random", "infobatch", "seta"])
def test_a_killed_run_goes_on_to_the_same_losses(tmp_path: Path, name: str) -> None:
    whole, source = make(name)
    losses = []
    while not source.done:
        losses.append(whole.update())
    first, _ = make(name)
    for _ in range(13):
        first.update()
    save_state(tmp_path / "state.pt", first.state())
    again, continued = make(name)
    again.restore(load_state(tmp_path / "state.pt"))
    rest = []
    while not continued.done:
        rest.append(again.update())
    assert rest == losses[13:]
    assert continued.saved == source.saved


def test_the_rate_runs_over_epochs_and_ends_low_however_short_the_run() -> None:
    loop, source = make("random", ratio=0.8, annealing=0.0)
    rates = []
    while not source.done:
        rates.append(loop.rate(loop.step + 1))
        loop.update()
    assert len(rates) < 0.3 * source.full / SIZE
    assert max(rates) == pytest.approx(1e-2, rel=0.05)
    assert rates[-1] < 0.2 * max(rates)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(Refused, match="80 windows give no 8 epochs in batches of 100"):
        PrunedEpochs(pool(), find_pruner("random"), 100, EPOCHS)
    source = PrunedEpochs(pool(), find_pruner("random"), SIZE, EPOCHS)
    loop = Loop(build(SHAPE, CONTEXT), source, lambda step: 1e-3, AdamW().build,
                loss=lambda model, batch: next_token(model, batch[0]))  # fmt: skip
    with pytest.raises(Refused, match="does not tell each sample"):
        loop.update()
