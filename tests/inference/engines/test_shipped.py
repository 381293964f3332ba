"""The model that comes with the package: its files are those that were trained, and more training made it better."""

from __future__ import annotations

import hashlib
import json

import pytest

from allometry.inference.calls import Budget
from allometry.inference.engines import find, find_engine
from allometry.inference.engines.embedded import read_character_model
from allometry.inference.engines.find import CHECKPOINTS, FOLDER
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import rows, sweep
from allometry.inference.tasks import find_task
from allometry.inference.verifiers import scorer_of

MOST_BYTES = 8_000_000


def test_the_files_are_those_of_the_provenance() -> None:
    told = json.loads((FOLDER / "provenance.json").read_text())["files"]
    found = {path.name: path.read_bytes() for path in FOLDER.glob("*.npz")}
    assert {name: hashlib.sha256(raw).hexdigest() for name, raw in found.items()} == {
        name: each["sha256"] for name, each in told.items()
    }
    assert set(found) == {f"{name}.npz" for name in CHECKPOINTS}
    assert sum(map(len, found.values())) < MOST_BYTES


def test_more_training_made_it_better() -> None:
    task, accuracies = find_task("countdown"), []
    for name in CHECKPOINTS:
        engine = read_character_model(FOLDER / f"{name}.npz")
        problems = task.problems(60, difficulty=3)
        found = sweep(problems, [find_strategy("greedy")()], [Budget(64)], engine, scorer=scorer_of(task))
        accuracies.append(rows(found)[0].accuracy.value or 0.0)
        engine.close()
    weak, middle, strong = accuracies
    assert weak < 0.15 < middle < strong
    assert strong > 0.45


@pytest.mark.parametrize("text", ["embedded", "embedded:weak", "embedded:middle", "embedded:strong"])
def test_it_is_found_by_its_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_workers", lambda: 0)
    engine = find_engine(text)
    try:
        assert engine.profile.shape is not None
        assert engine.profile.shape.layers == 4
    finally:
        engine.close()  # type: ignore[attr-defined]
