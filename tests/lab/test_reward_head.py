"""Training the learned verifier, on a few examples: the same twice, and none of them a problem of a task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.inference.tasks.task import HELD_OUT
from allometry.inference.verifiers.reward import read_head
from allometry.lab.reward_head import Training, examples, main, train

pytestmark = pytest.mark.lab


def test_a_run_comes_to_the_same_head_twice_and_tells_how_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allometry.lab.reward_head.MEASURED", 2)
    training = Training(problems=20, samples=2, epochs=2)
    for name in ("one", "two"):
        train(tmp_path / name, training)
    assert (tmp_path / "one/head.npz").read_bytes() == (tmp_path / "two/head.npz").read_bytes()
    told = json.loads((tmp_path / "one/provenance.json").read_text())
    assert told["model"] == read_head(tmp_path / "one/head.npz").model
    assert set(told["held_out"]) == {"countdown", "chain", "horizon", "lookup"}
    assert "--problems 20 --samples 2 --seed 0" in told["command"]


def test_examples_are_never_among_the_problems_of_a_task() -> None:
    from zlib import crc32

    asked = examples(Training(problems=200))
    assert all(crc32(str(problem.prompt).encode()) % HELD_OUT for _, problem in asked)


def test_too_few_examples_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--out", f"{tmp_path}", "--problems", "3"])
    assert "at least 10" in capsys.readouterr().err
