"""Engines by a text: each form gives its engine, and every other text is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allometry.inference import Records, find_engine, simulated_problems, sweep
from allometry.inference.calls import Budget
from allometry.inference.engines import Recorded, Simulator, find
from allometry.inference.engines.embedded import CharacterModel, Config, write_weights
from allometry.inference.engines.endpoint import Endpoint
from allometry.inference.strategies import find_strategy
from allometry.notices import Refused

CONFIG = Config(layers=1, width=8, heads=1, head_size=8, ffn=8, context=16, vocabulary="ab")


def write(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    write_weights(path, CONFIG, {name: rng.normal(size=shape) for name, shape in CONFIG.arrays().items()})


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for seed, name in enumerate(find.CHECKPOINTS):
        write(tmp_path / f"{name}.npz", seed)
    monkeypatch.setattr(find, "FOLDER", tmp_path)
    return tmp_path


def identity(text: str) -> str:
    engine = find_engine(text, rows=2)
    assert isinstance(engine, CharacterModel)
    engine.close()
    return engine.profile.identity


def test_the_models_of_the_package_and_files_of_ones_own(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_workers", lambda: 0)
    names = [identity(f"embedded:{name}") for name in find.CHECKPOINTS]
    assert len(set(names)) == 3
    assert identity("embedded") == names[-1]
    assert identity(f"embedded:{models / 'weak.npz'}") == names[0]


def test_simulators_records_and_endpoints(tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("success = 1.0\n")
    simulator = find_engine(f"simulator:{tmp_path / 'world.toml'}")
    assert isinstance(simulator, Simulator)
    with Records(tmp_path / "records") as records:
        sweep(simulated_problems(2, 64), [find_strategy("greedy")()], [Budget(64)], simulator, records=records)
    assert isinstance(find_engine(f"records:{tmp_path / 'records'}"), Recorded)
    endpoint = find_engine("openai:https://example.com:8000/v1#org/model:free", attempts=1)
    assert isinstance(endpoint, Endpoint)
    assert endpoint.profile.identity == "org/model:free@example.com:8000/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("embeded", "the nearest are embedded, embedded:weak"),
        ("openai", "openai needs more words"),
        ("simulator:", "simulator needs more words"),
        ("", "begins no engine"),
        ("gpt-5", "begins no engine"),
        ("embedded:strongest", "the nearest are strong"),
        ("embedded:nothing.npz", "no model file"),
        ("simulator:nothing.toml", "the world cannot be read"),
        ("records:nothing", "no such folder"),
        ("openai:localhost:8000/v1#m", "an endpoint has an http or https address"),
        ("openai:ftp://host/v1#m", "an endpoint has an http or https address"),
        ("openai:http://host:8000/v1", "the model at this address is not named"),
        ("openai:http://host:port/v1#m", "this is no address"),
        ("openai:http://[::1/v1#m", "this is no address"),
    ],
)
def test_every_other_text_is_refused_with_what_would_do(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        find_engine(text)


def test_a_model_that_is_not_in_the_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "FOLDER", tmp_path)
    with pytest.raises(Refused, match=r"holds no strong\.npz"):
        find_engine("embedded")


def test_settings_of_an_endpoint_are_no_settings_of_others() -> None:
    with pytest.raises(Refused, match="only endpoints take attempts"):
        find_engine("embedded", attempts=3)


@pytest.mark.parametrize("setting", ["timeout", "attempts", "concurrency"])
def test_an_endpoint_that_could_make_no_call_is_refused(setting: str) -> None:
    with pytest.raises(Refused, match=f"{setting}=0.*above 0"):
        find_engine("openai:http://host/v1#m", **{setting: 0})


@pytest.mark.parametrize("text", ["openai:http://me:sk-planted-key@host/v1#m", "openai:http://sk-planted-key@host/v1#m",
                                  "openai:http://host/v1?key=sk-planted-key#m", "opnai:http://u:sk-planted-key@host"])  # fmt: skip
def test_credentials_in_an_address_are_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Refused) as refused:
        find_engine(text)
    assert "sk-planted-key" not in repr(refused.value.__dict__) + str(refused.value)
