"""A real server: llama.cpp with a character model of ours, beside the same model in NumPy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allometry.inference import Budget, Records, Request, find_strategy, rows, sweep
from allometry.inference.calls import ABILITIES, sample, wait
from allometry.inference.engines.embedded import CharacterModel, Config, read_character_model, write_weights
from allometry.inference.engines.endpoint import Endpoint
from allometry.inference.strategies import list_strategies
from allometry.inference.strategies._steps import NEEDS
from allometry.inference.tasks import find_task
from allometry.inference.verifiers import scorer_of

pytestmark = pytest.mark.servers
CONFIG = Config(
    layers=2, width=48, heads=4, head_size=8, ffn=64, context=256,
    vocabulary="\n" + "".join(map(chr, range(32, 127))),
)  # fmt: skip
PROMPTS = ("C2,14,25,29>55:", "a", "what is it?\n", "x" * 40, "~!@ #$\n\n{}")
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as a file of ours and as one of llama.cpp: random weights, sure enough of what they say."""
    made, rng = tmp_path_factory.mktemp("model"), np.random.default_rng(3)
    arrays = {
        name: rng.normal(0, 3.0 / shape[-1] ** 0.5, shape) if len(shape) == 2 else rng.uniform(0.5, 1.5, shape)
        for name, shape in CONFIG.arrays().items()
    }
    write_weights(made / "model.npz", CONFIG, arrays)
    subprocess.run([sys.executable, "-P", HERE / "write_gguf.py", "model.npz", "model.gguf"], cwd=made, check=True)
    return made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    command = [sys.executable, "-P", HERE / "start_llama.py", folder / "model.gguf"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        assert server.stdin is not None
        server.stdin.close()


@pytest.fixture
def engine(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made = Endpoint(f"{url}#model", identity="model", attempts=2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[CharacterModel]:
    made = read_character_model(folder / "model.npz", rows=16)
    yield made
    made.close()


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_text_is_that_of_the_engine_in_numpy(prompt: str, engine: Endpoint, model: CharacterModel) -> None:
    request = Request(prompt, 32, temperature=0.0, logprobs=True)
    (ours,), (theirs,) = sample(model, request), sample(engine, request)
    assert theirs.content == ours.content
    assert (theirs.finish, theirs.usage.prompt, theirs.usage.generated) == (
        ours.finish, ours.usage.prompt, ours.usage.generated)  # fmt: skip
    assert np.allclose(theirs.logprobs, ours.logprobs, atol=1e-3)


def test_the_probe_finds_what_llama_cpp_can_do(engine: Endpoint) -> None:
    records = Records()
    wait(engine.learn(records, "text"))
    found = {name for name in ABILITIES if getattr(engine.profile.abilities, name)}
    assert found == {"n", "seed", "stop", "logprobs", "continuation", "usage", "cached"}


def test_what_the_probe_found_holds(engine: Endpoint, model: CharacterModel) -> None:
    wait(engine.learn(Records(), "text"))
    many = sample(engine, Request("abc", 24, n=7, seed=11, logprobs=True))
    assert len({one.content for one in many}) > 1
    assert [one.content for one in sample(engine, Request("abc", 24, seed=13))] == [many[2].content]
    assert all(len(one.logprobs) == len(one.tokens) == one.usage.generated for one in many)
    assert all(one.usage.estimated == frozenset() for one in many)
    letter = many[0].content[10]
    (cut,) = sample(engine, Request("abc", 24, seed=11, stop=(letter,)))
    assert cut.content == many[0].content[: many[0].content.index(letter)]
    assert cut.finish == "stop"
    whole = sample(engine, Request("abc", 24, temperature=0.0))[0].content
    rest = sample(engine, Request("abc", 20, temperature=0.0, prefix=whole[:4]))[0].content
    assert whole[:4] + rest == whole


# llama.cpp does not say which stop text ended an answer, and scores no text that it is given
LACKED = [name for name, maker in list_strategies().items() if maker.needs in (NEEDS, ("continuation", "scored"))]


@pytest.mark.parametrize("name", [name for name in list_strategies() if name not in LACKED])
def test_every_strategy_runs_a_sweep_through_it(name: str, engine: Endpoint, tmp_path: Path) -> None:
    task = find_task()
    scorer = scorer_of(task)
    arguments: dict[str, Any] = {"selector": scorer} if "selector" in find_strategy(name).parameters else {}
    if name == "parallel_paths":  # its merge reads all paths, and a request may have 256 tokens here
        arguments["tokens"] = 12
    with Records(tmp_path) as records:
        swept = sweep(task.problems(4), [find_strategy(name)(**arguments)], [Budget(96), Budget(192)], engine,
                      scorer=scorer, records=records)  # fmt: skip
    assert {one.state for one in swept} <= {"answered", "truncated"}
    assert all(one.meter.generated_tokens <= float(one.budget.partition("=")[2]) for one in swept)
    assert len(rows(swept)) == 2
