"""The loop takes sources that look at losses, losses of any kind, weights to start from and models that grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from allometry.costs import Shape  # noqa: E402
from allometry.lab.batches import Windows, evaluation_windows  # noqa: E402
from allometry.lab.checkpoints import load_state, save_state  # noqa: E402
from allometry.lab.jobs import PRECISIONS  # noqa: E402
from allometry.lab.loop import Loop, seed_everything  # noqa: E402
from allometry.lab.losses import evaluate, next_token, next_token_each  # noqa: E402
from allometry.lab.models import build  # noqa: E402
from allometry.lab.optimisers import OPTIMISERS, AdamW  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
SHAPE = Shape(layers=1, width=16, heads=2, head_size=8, ffn=32, vocab=32)
CONTEXT, SIZE, STEPS = 16, 8, 30
TEXT = np.tile(np.arange(24, dtype=np.uint8), 400)


class Pruned:
    """The half of each pool that lost most when it was seen last; what is dropped and kept comes back later."""

    def __init__(self, pool: Tensor) -> None:
        self.pool, self.lost = pool, torch.full((len(pool),), torch.inf)
        self.chosen = torch.arange(0)

    def batch(self, step: int) -> Tensor:
        drawn = torch.randperm(len(self.pool))[: 2 * SIZE]
        self.chosen = drawn[self.lost[drawn].argsort(descending=True)[:SIZE]]
        return self.pool[self.chosen]

    def see(self, step: int, losses: Tensor) -> None:
        self.lost[self.chosen] = losses

    def state(self) -> dict[str, Any]:
        return {"lost": self.lost}

    def restore(self, state: dict[str, Any]) -> None:
        self.lost = state["lost"]


class Replayed:
    """New windows, with every fourth batch one of those already seen."""

    def __init__(self, new: Windows) -> None:
        self.new, self.old, self.seen = new, list[Tensor](), list[int]()

    def batch(self, step: int) -> Tensor:
        if step % 4 == 0:
            return self.old[int(torch.randint(len(self.old), ()))]
        self.old.append(self.new.batch(step))
        return self.old[-1]

    def see(self, step: int, losses: Tensor) -> None:
        self.seen.append(step)

    def state(self) -> dict[str, Any]:
        return {"old": self.old, "seen": self.seen}

    def restore(self, state: dict[str, Any]) -> None:
        self.old, self.seen = state["old"], state["seen"]


class Answers:
    """One token drawn from the model itself behind each prompt, and a verifier's reward: 1 for the prompt's last token."""

    def __init__(self) -> None:
        self.model: nn.Module | None = None
        self.rewards: list[float] = []

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        prompts = torch.randint(4, (64, 3))
        with torch.no_grad():
            answers = torch.multinomial(self.model(prompts)[:, -1].softmax(-1), 1)[:, 0]
        rewards = (answers == prompts[:, -1]).float()
        self.rewards.append(float(rewards.mean()))
        return prompts, answers, rewards - rewards.mean()

    def see(self, step: int, losses: Tensor) -> None:
        """Rewards say it all."""

    def state(self) -> dict[str, Any]:
        return {"rewards": self.rewards}

    def restore(self, state: dict[str, Any]) -> None:
        self.rewards = state["rewards"]


def policy_gradient(model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """REINFORCE with the batch's mean as its baseline."""
    prompts, answers, advantages = batch
    return advantages * functional.cross_entropy(model(prompts)[:, -1], answers, reduction="none")


def windows(steps: int = STEPS, seed: int = 0) -> Windows:
    return Windows(TEXT, CONTEXT, SIZE, steps, seed)


def pool() -> Pruned:
    return Pruned(evaluation_windows(TEXT, CONTEXT, 64))


def make(source: Any, seed: int = 0, optimiser: str = "adamw", **given: Any) -> Loop:
    seed_everything(seed)
    return Loop(build(SHAPE, CONTEXT), source, lambda step: 3e-3, OPTIMISERS[optimiser]().build, **given)


SOURCES: dict[str, Callable[[], Any]] = {"windows": windows, "pruned": pool, "replayed": lambda: Replayed(windows())}


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("name", SOURCES)
def test_every_source_goes_on_from_a_checkpoint_to_the_same_losses(tmp_path: Path, name: str, optimiser: str) -> None:
    whole = make(SOURCES[name](), optimiser=optimiser, loss=next_token_each)
    losses = [whole.update() for _ in range(STEPS)]
    first = make(SOURCES[name](), optimiser=optimiser, loss=next_token_each)
    for _ in range(13):
        first.update()
    save_state(tmp_path / "state.pt", first.state())
    again = make(SOURCES[name](), seed=5, optimiser=optimiser, loss=next_token_each)
    again.restore(load_state(tmp_path / "state.pt"))
    assert [again.update() for _ in range(STEPS - 13)] == losses[13:]
    assert again.recent == whole.recent


def test_pruning_trains_on_what_is_hard() -> None:
    """Of a pool that is half learnt already the other half is drawn more often."""
    hard = torch.randint(32, (32, CONTEXT + 1), generator=torch.Generator().manual_seed(1))
    source = Pruned(torch.cat([evaluation_windows(TEXT, CONTEXT, 32), hard]))
    counted = torch.zeros(64)

    def count(loop: Loop) -> None:
        if loop.step > 40:
            counted[source.chosen] += 1

    loop = make(source, loss=next_token_each, after=[count])
    for _ in range(80):
        loop.update()
    assert counted[32:].sum() > 1.5 * counted[:32].sum()


def test_losses_of_samples_have_the_mean_of_the_batch() -> None:
    model, batch = build(SHAPE, CONTEXT), windows().batch(1)
    one, mean = next_token_each(model, batch).detach(), next_token(model, batch).detach()
    assert float(one.mean()) == pytest.approx(float(mean), rel=1e-6)


def test_branches_start_from_weights_and_merge() -> None:
    trunk = make(windows())
    for _ in range(STEPS):
        trunk.update()
    weights = {name: value.clone() for name, value in trunk.model.state_dict().items()}
    branches = [make(windows(5, seed), seed=seed, weights=weights) for seed in (1, 2)]
    held_out = evaluation_windows(TEXT, CONTEXT, 16)
    assert all(evaluate(branch.model, held_out) == evaluate(trunk.model, held_out) for branch in branches)
    for branch in branches:
        for _ in range(5):
            branch.update()
    states = [branch.model.state_dict() for branch in branches]
    merged = {name: (states[0][name] + states[1][name]) / 2 for name in weights}
    found = make(windows(), weights=merged)
    assert evaluate(found.model, held_out) < evaluate(make(windows()).model, held_out)
    assert any(not torch.equal(states[0][name], states[1][name]) for name in weights)


def test_a_verifiers_rewards_rise() -> None:
    source = Answers()
    loop = make(source, loss=policy_gradient)
    source.model = loop.model
    for _ in range(150):
        loop.update()
    assert np.mean(source.rewards[-10:]) > 3 * np.mean(source.rewards[:10]) > 0


def test_a_model_that_grows_is_trained_from_then_on() -> None:
    """Stacking: the layers twice over, after ten steps."""

    def grow(loop: Loop) -> None:
        if loop.step == 10:
            deeper = build(replace(SHAPE, layers=2), CONTEXT)
            kept = loop.model.state_dict()
            kept |= {name.replace("blocks.0", "blocks.1"): value for name, value in kept.items() if "blocks.0" in name}
            deeper.load_state_dict(kept)
            loop.put(deeper)

    loop = make(windows(), after=[grow])
    losses = [loop.update() for _ in range(STEPS)]
    assert len(loop.model.blocks) == 2
    assert np.mean(losses[-5:]) < np.mean(losses[5:10])


def test_auxiliary_losses_are_trained_on_and_not_reported() -> None:
    plain, balanced = make(windows()), make(windows())
    weight = balanced.model.embedding.weight
    balanced.model.auxiliary_loss = lambda: 100 * weight.square().mean()
    first = [loop.update() for loop in (plain, balanced)]
    assert first[0] == first[1]
    assert plain.update() != balanced.update()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_learns_with_weights_in_32_bits(precision: str) -> None:
    loop = make(windows(), precision=precision)
    losses = [loop.update() for _ in range(STEPS)]
    assert losses[-1] < 0.8 * losses[0]
    assert {p.dtype for p in loop.model.parameters()} == {torch.float32}


def test_a_damaged_checkpoint_is_refused_and_code_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "torn.pt").write_bytes(b"PK\x03\x04torn")
    torch.save({"model": AdamW()}, tmp_path / "code.pt")
    for name in ("torn", "code"):
        with pytest.raises(Refused, match="is damaged"):
            load_state(tmp_path / f"{name}.pt")
    with pytest.raises(Refused, match="cannot be read"):
        load_state(tmp_path / "missing.pt")
