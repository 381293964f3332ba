"""Training writes what the NumPy engine reads, comes to the same weights when it was killed, and learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.inference.calls import Request, sample  # noqa: E402
from allometry.inference.engines.embedded import Network, Weights, read_character_model, read_weights  # noqa: E402
from allometry.inference.tasks import list_tasks  # noqa: E402
from allometry.lab import character_model  # noqa: E402
from allometry.lab.character_model import CHECKPOINTS, MODEL, Trainer, Training, main, make_batch, train  # noqa: E402

pytestmark = pytest.mark.lab
SMALL = replace(MODEL, layers=2, width=32, heads=2, head_size=16, ffn=48)
QUICK = Training(steps=10, batch=4, save_every=3)


def test_the_numpy_network_is_torchs() -> None:
    trainer = Trainer(QUICK)
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter.mul_(2.0) if parameter.dim() == 2 else parameter.add_(0.1 * torch.rand_like(parameter))
    tokens = np.random.default_rng(0).integers(0, len(MODEL.vocabulary) + 1, 70)
    network = Network(Weights(MODEL, trainer.arrays(), "test"))
    found = network.logits(network.states(tokens, np.arange(70), network.cache(1), 0))
    with torch.no_grad():
        wanted = trainer.model(torch.from_numpy(tokens)[None])[0].numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_three_checkpoints_of_one_run_that_the_engine_reads(tmp_path: Path) -> None:
    train(tmp_path, QUICK, SMALL)
    models = {name: read_weights(tmp_path / f"{name}.npz") for name in CHECKPOINTS}
    assert len({weights.identity for weights in models.values()}) == 3
    assert "step 10 of 10" in models["strong"].config.about
    engine = read_character_model(tmp_path / "strong.npz", rows=4)
    assert sample(engine, Request("C2,3>5:", max_tokens=3))[0].usage.generated
    engine.close()


def test_a_killed_run_comes_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path / "whole", QUICK, SMALL)
    update, calls = Trainer.update, 0

    def dies(self: Trainer) -> float:
        nonlocal calls
        calls += 1
        if calls in (5, 9):
            raise KeyboardInterrupt
        return update(self)

    monkeypatch.setattr(Trainer, "update", dies)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "killed", QUICK, SMALL)
    train(tmp_path / "killed", QUICK, SMALL)
    for name in CHECKPOINTS:
        whole, killed = (read_weights(tmp_path / folder / f"{name}.npz").arrays for folder in ("whole", "killed"))
        assert all(np.array_equal(whole[key], killed[key]) for key in whole)


def test_the_loss_is_on_solutions_of_training_examples() -> None:
    text = ["", *MODEL.vocabulary]
    held_out = {p.prompt for task in list_tasks().values() for p in task.problems(50)}
    for inputs, targets in make_batch(QUICK, 1):
        for row, wanted in zip(inputs.tolist(), targets.tolist(), strict=True):
            solution = "".join(text[t] for t in wanted if t >= 0)
            prompt = "".join(text[t] for t in row[: next(i for i, t in enumerate(wanted) if t >= 0) + 1])
            assert prompt.endswith(":")
            assert solution.endswith("\n")
            assert prompt[0] in "CALH"
            assert prompt not in held_out


def test_the_batch_of_a_step_is_always_the_same() -> None:
    first, again, other = (make_batch(QUICK, step)[0][0] for step in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first[:, :9], other[:, :9])


def test_padding_does_not_change_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = []
    for part in (2, QUICK.batch):
        monkeypatch.setattr(character_model, "PART", part)
        losses.append(Trainer(QUICK, SMALL).update())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_it_learns() -> None:
    trainer = Trainer(Training(steps=30, batch=8), SMALL)
    losses = [trainer.update() for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])


def test_another_runs_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Trainer(QUICK).save(tmp_path / "state.pt")
    for arguments, says in ((["--steps", "5"], "holds another run"), (["--steps", "0"], "at least 1")):
        with pytest.raises(SystemExit) as end:
            main(["--out", str(tmp_path), *arguments])
        assert end.value.code == 2
        assert says in capsys.readouterr().err
