"""The character model in NumPy: equal to plain formulas, and each sample the same whatever it is batched with."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from allometry.inference.calls import Budget, Request, Response, sample
from allometry.inference.engines.embedded import (
    CharacterDecoder,
    CharacterModel,
    Config,
    Network,
    Weights,
    read_character_model,
    read_weights,
    write_weights,
)
from allometry.inference.engines.embedded.worker import WorkerDecoder
from allometry.inference.strategies import list_strategies
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import find_task
from allometry.inference.verifiers import scorer_of, step_grader
from allometry.notices import Refused

CONFIG = Config(layers=2, width=24, heads=3, head_size=8, ffn=40, context=96, vocabulary="abcdefgh\n")
PROMPTS = ("a", "abcabc", "hgfedcba\n" * 4, "ab" * 38)


def random_weights(config: Config = CONFIG, seed: int = 0, spread: float = 2.0) -> Weights:
    """Weights far from uniform answers; norms differ from one."""
    rng = np.random.default_rng(seed)
    arrays = {
        name: (rng.normal(0, spread / shape[-1] ** 0.5, shape) if len(shape) == 2 else rng.uniform(0.5, 1.5, shape))
        for name, shape in config.arrays().items()
    }
    return Weights(config, arrays, f"random:{seed}")


WEIGHTS = random_weights()


def plain(weights: Weights, tokens: Sequence[int]) -> NDArray[np.float64]:
    """Logits (tokens, vocabulary), written down from the formulas: one head, one position at a time, no cache."""
    c, w = weights.config, {name: np.asarray(a, np.float64) for name, a in weights.arrays.items()}

    def norm(x: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([row / np.sqrt(row @ row / len(row) + np.finfo(np.float32).eps) * weight for row in x])

    def turn(v: NDArray[np.float64], position: int) -> NDArray[np.float64]:
        half = c.head_size // 2
        turned = v.copy()
        for k in range(half):
            angle = position * 10000.0 ** (-2 * k / c.head_size)
            a, b = v[k], v[k + half]
            turned[k], turned[k + half] = a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)
        return turned

    x = w["embedding.weight"][list(tokens)]
    for i in range(c.layers):
        b, inner = f"blocks.{i}.", c.heads * c.head_size
        qkv = norm(x, w[b + "norm_attention.weight"]) @ w[b + "attention.qkv.weight"].T
        mixed = np.zeros((len(x), inner))
        for h in range(c.heads):
            part = slice(h * c.head_size, (h + 1) * c.head_size)
            q = [turn(row, p) for p, row in enumerate(qkv[:, :inner][:, part])]
            k = [turn(row, p) for p, row in enumerate(qkv[:, inner : 2 * inner][:, part])]
            v = qkv[:, 2 * inner :][:, part]
            for p in range(len(x)):
                e = np.exp([q[p] @ k[j] / c.head_size**0.5 for j in range(p + 1)])
                mixed[p, part] = sum(e[j] * v[j] for j in range(p + 1)) / e.sum()
        x = x + mixed @ w[b + "attention.out.weight"].T
        up = norm(x, w[b + "norm_feed_forward.weight"]) @ w[b + "feed_forward.up.weight"].T
        gate, value = up[:, : c.ffn], up[:, c.ffn :]
        x = x + (gate / (1 + np.exp(-gate)) * value) @ w[b + "feed_forward.out.weight"].T
    return norm(x, w["norm.weight"]) @ w["embedding.weight"].T


def number(text: str) -> list[int]:
    return [CONFIG.vocabulary.index(character) + 1 for character in text]


def log_softmax(logits: NDArray[Any]) -> NDArray[Any]:
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def run(decoder: CharacterDecoder, jobs: Sequence[tuple[int, Request]]) -> dict[int, Response]:
    decoder.admit(jobs)
    ended: dict[int, Response] = {}
    while len(ended) < len(jobs):
        ended.update(decoder.step())
    return ended


def alone(request: Request) -> Response:
    return run(CharacterDecoder(Network(WEIGHTS), 1), [(0, request)])[0]


@pytest.fixture(scope="module")
def model() -> Iterator[CharacterModel]:
    model = CharacterModel(WEIGHTS, rows=16)
    yield model
    model.close()


@pytest.mark.parametrize("text", PROMPTS)
def test_logits_are_those_of_the_plain_formulas(text: str) -> None:
    network, tokens = Network(WEIGHTS), np.array(number(text))
    found = network.logits(network.states(tokens, np.arange(len(tokens)), network.cache(1), 0))
    np.testing.assert_allclose(found, plain(WEIGHTS, tokens.tolist()), atol=2e-4)


def test_a_cache_filled_token_by_token_in_a_batch_gives_the_same_bits() -> None:
    """Each length alone, without a cache, against rows of all lengths that grow side by side."""
    network, rng = Network(WEIGHTS), np.random.default_rng(1)
    rows, length = 13, 80
    tokens = rng.integers(1, len(CONFIG.vocabulary) + 1, (rows, length))
    cache = network.cache(rows)
    stepped = [
        network.logits(network.states(tokens[:, t], np.full(rows, t), cache, np.arange(rows))) for t in range(length)
    ]
    for row in range(rows):
        for until in (1, 31, 32, 33, 64, 65, length):
            alone = network.states(tokens[row, :until], np.arange(until), network.cache(1), 0)
            np.testing.assert_array_equal(network.logits(alone[-1:])[0], stepped[until - 1][row])


requests = st.builds(
    Request, st.sampled_from(PROMPTS), max_tokens=st.integers(1, 70), temperature=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    stop=st.sampled_from([(), ("a",), ("\n", "bc"), ("ab", "b")]), prefix=st.sampled_from(["", "a", "hg\n" * 5]),
    logprobs=st.just(True), scored=st.booleans(), seed=st.integers(0, 2**64),
)  # fmt: skip


@given(st.lists(st.tuples(requests, st.integers(0, 12)), min_size=1, max_size=9), st.data())
@settings(max_examples=20, deadline=None)
def test_a_sample_does_not_hang_on_its_batch(jobs: list[tuple[Request, int]], data: st.DataObject) -> None:
    """Sequences come at any step and leave at any step, some are dropped: each is what it is alone, to the last bit."""
    decoder, ended = CharacterDecoder(Network(WEIGHTS), len(jobs)), {}
    dropped = data.draw(st.sets(st.integers(0, len(jobs) - 1)))
    for step in range(100):
        decoder.admit([(i, request) for i, (request, begin) in enumerate(jobs) if begin == step])
        for i in [i for i in dropped if jobs[i][1] + 3 == step and i not in ended]:
            ended[i] = decoder.drop(i)
        ended.update(decoder.step())
    assert sorted(ended) == list(range(len(jobs)))
    for i, (request, _) in enumerate(jobs):
        whole, found = alone(request), ended[i]
        if found.finish == "cancelled":
            assert whole.content.startswith(found.content) or whole.stopped_by
            assert whole.logprobs[:3] == found.logprobs
        else:
            assert found == whole


def test_samples_of_one_prompt_share_its_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    network, computed = Network(WEIGHTS), []
    states = network.states

    def count(tokens: NDArray[Any], *rest: Any) -> Any:
        computed.append(len(tokens))
        return states(tokens, *rest)

    monkeypatch.setattr(network, "states", count)
    jobs = [(i, Request("abcabc", max_tokens=1, seed=i)) for i in range(5)]
    run(CharacterDecoder(network, 5), jobs)
    assert computed == [6]


def test_sampling_follows_the_distribution_at_its_temperature() -> None:
    heat, count = 0.7, 4000
    decoder = CharacterDecoder(Network(WEIGHTS), count)
    jobs = [(i, Request("abc", max_tokens=1, temperature=heat, seed=i)) for i in range(count)]
    drawn = [response.content for response in run(decoder, jobs).values()]
    chances = np.exp(log_softmax(plain(WEIGHTS, number("abc"))[-1] / heat))
    for chance, character in zip(chances, ("", *CONFIG.vocabulary), strict=True):
        error = np.sqrt(chance * (1 - chance) / count)
        assert abs(drawn.count(character) / count - chance) < 5 * error + 1e-6


def test_logprobs_are_the_models_own_and_scores_agree_with_them(model: CharacterModel) -> None:
    request = Request("abc", max_tokens=20, temperature=0.5, logprobs=True, seed=2)
    drawn = sample(model, request)[0]
    assert len(drawn.tokens) == len(drawn.logprobs) == drawn.usage.generated
    assert "".join(drawn.tokens) == drawn.content
    scored = sample(model, Request("abc", max_tokens=0, prefix=drawn.content, scored=True))[0]
    assert scored.prefix_logprobs == drawn.logprobs[: len(drawn.content)]
    assert (scored.content, scored.usage.generated, scored.finish) == ("", 0, "length")
    expected = log_softmax(plain(WEIGHTS, number("abc" + drawn.content)))
    wanted = [expected[2 + i, n] for i, n in enumerate(number(drawn.content))]
    np.testing.assert_allclose(scored.prefix_logprobs, wanted, atol=5e-4)


def test_the_coldest_text_is_the_likeliest_and_goes_on_from_any_prefix(model: CharacterModel) -> None:
    whole = sample(model, Request("gfe", max_tokens=30, temperature=0))[0]
    text = ""
    while len(text) < len(whole.content):
        text += CONFIG.vocabulary[int(plain(WEIGHTS, number("gfe" + text))[-1].argmax()) - 1]
    assert text == whole.content
    for cut in (1, 7, 29):
        rest = sample(model, Request("gfe", max_tokens=30 - cut, temperature=0, prefix=text[:cut]))[0]
        assert rest.content == text[cut:]
        assert rest.usage.prompt == 3 + cut


def test_n_samples_are_those_of_their_seeds(model: CharacterModel) -> None:
    request = Request("abcabc", max_tokens=30, n=6, seed=10)
    together = sample(model, request)
    singly = [sample(model, replace(request, n=1, seed=10 + i))[0] for i in range(6)]
    timeless = [[replace(one, seconds=None, first_token=None) for one in of_them] for of_them in (together, singly)]
    assert timeless[0] == timeless[1]
    assert len({one.content for one in together}) > 1


def test_how_a_sample_ends(model: CharacterModel) -> None:
    found = [sample(model, Request("abc", max_tokens=60, seed=i, stop=("cd", "e")))[0] for i in range(60)]
    stopped = [one for one in found if one.stopped_by]
    assert stopped
    assert all("e" not in one.content and "cd" not in one.content for one in found)
    assert {one.finish for one in stopped} == {"stop"}
    ended = [sample(model, Request("abc", max_tokens=60, seed=i, logprobs=True))[0] for i in range(60)]
    by_itself = [one for one in ended if one.finish == "stop"]
    assert by_itself
    assert all(one.stopped_by is None and one.tokens[-1] == "" for one in by_itself)
    full = sample(model, Request("a" * 96, max_tokens=5))[0]
    assert (full.finish, full.usage.generated) == ("length", 0)
    assert sample(model, Request("a" * 94, max_tokens=50, seed=1))[0].usage.generated <= 2


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(({"role": "user", "content": "a"},), max_tokens=1), "no chat template"),
        (Request("aé", max_tokens=1), "does not know 'é'"),
        (Request("a" * 90, max_tokens=1, prefix="b" * 7), "97 characters do not fit into 96"),
    ],
)
def test_what_it_cannot_do_is_refused_and_breaks_nothing(model: CharacterModel, request_: Request, says: str) -> None:
    with pytest.raises(Refused, match=says):
        sample(model, request_)
    assert sample(model, Request("a", max_tokens=1))


def test_many_requests_at_a_time(model: CharacterModel) -> None:
    asked = [Request(prompt, max_tokens=20, n=3, seed=i) for i, prompt in enumerate(PROMPTS * 5)]

    async def work() -> list[Sequence[Response]]:
        return await asyncio.gather(*map(model.sample, asked))

    for request, found in zip(asked, asyncio.run(work()), strict=True):
        singly = [alone(replace(request, n=1, seed=request.seed + i)) for i in range(3)]
        assert [one.content for one in found] == [one.content for one in singly]


def test_blas_has_one_thread_until_it_is_closed() -> None:
    before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    model = CharacterModel(WEIGHTS, rows=1)
    assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} <= {1}
    model.close()
    assert [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"] == before


def test_a_sweep_over_built_in_tasks(tmp_path: Path) -> None:
    """Random weights solve nothing; each strategy keeps to its budget and says so of every problem."""
    config = replace(CONFIG, context=160, vocabulary="".join(map(chr, range(32, 127))) + "\n")
    write_weights(tmp_path / "model.npz", config, random_weights(config).arrays)
    model = read_character_model(tmp_path / "model.npz", rows=32)
    for name in ("countdown", "chain", "lookup", "horizon"):
        task = find_task(name)
        graded = {"selector": scorer_of(task), "verifier": step_grader(task, unfinished=True)}
        strategies = [
            maker(**{word: grader for word, grader in graded.items() if word in maker.parameters})
            for maker in list_strategies().values()
        ]
        budget = Budget(generated_tokens=150)
        for outcome in sweep(
            task.problems(3, difficulty=task.easiest),
            strategies,
            [budget],
            {"main": model, "draft": model},
            scorer=scorer_of(task),
        ):
            assert outcome.meter.generated_tokens <= 150
            assert outcome.grade in (None, 0.0, 1.0)
            assert outcome.state in ("answered", "truncated")
    model.close()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_worker_is_waited_for_and_left_alone_by_the_keyboard(tmp_path: Path) -> None:
    """Its start is in no time to an answer; an interrupt is for the process that asks."""
    write_weights(tmp_path / "model.npz", CONFIG, WEIGHTS.arrays)
    model = read_character_model(tmp_path / "model.npz", rows=8, workers=1)
    [worker] = [child for child in model._decoders if isinstance(child, WorkerDecoder)]

    async def waits() -> None:
        await asyncio.wait_for(model.ready(), 120)
        assert worker._used
        worker._process.send_signal(signal.SIGINT)

    asyncio.run(waits())
    assert (
        sample(model, Request("abc", max_tokens=5, seed=3))[0].content
        == alone(Request("abc", max_tokens=5, seed=3)).content
    )
    model.close()
    assert worker._process.returncode == 0


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    write_weights(path, CONFIG, WEIGHTS.arrays)
    found = read_weights(path)
    assert found.config == CONFIG
    assert os.listdir(tmp_path) == ["model.npz"]
    for name, array in WEIGHTS.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array.astype(np.float16))
    assert found.identity == read_weights(path).identity
    write_weights(path, CONFIG, random_weights(seed=1).arrays)
    assert found.identity != read_weights(path).identity
    assert CONFIG.shape.parameters().total == sum(array.size for array in found.arrays.values())


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    halves = {name: array.astype(np.float16) for name, array in WEIGHTS.arrays.items()}
    about = {"format": "allometry-character-model", "version": 1, **CONFIG.__dict__}

    def written(about: Any, arrays: dict[str, NDArray[Any]]) -> Path:
        np.savez(path, config=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)  # type: ignore[arg-type]
        return path

    short = {**halves, "norm.weight": halves["norm.weight"][:-1]}
    nothing = {**halves, "norm.weight": halves["norm.weight"] * np.nan}
    bad = [
        (lambda: tmp_path / "absent.npz", "no model file"),
        (lambda: written({**about, "version": 2}, halves), "version 1"),
        (lambda: written({**about, "surprise": 1}, halves), "surprise"),
        (lambda: written(["list"], halves), "no model file"),
        (lambda: written(about, short), "norm.weight"),
        (lambda: written(about, nothing), "no finite numbers"),
        (lambda: written({**about, "vocabulary": "aacdefgh\n"}, halves), "twice"),
        (lambda: written({**about, "width": "24"}, halves), "width cannot be '24'"),
        (lambda: written({**about, "context": 10**12}, halves), "context cannot be"),
        (lambda: written({**about, "layers": 3}, halves), "blocks.2.attention.out.weight"),
    ]
    for make, says in bad:
        with pytest.raises(Refused, match=says):
            read_weights(make())
    path.write_text("text")
    with pytest.raises(Refused, match="no model file"):
        read_weights(path)
    write_weights(path, CONFIG, halves)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(Refused, match="no model file"):
        read_weights(path)
