"""A policy behind an endpoint, asked by the official client and by clients that mean no good."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allometry.costs import find_shape
from allometry.inference.engines import Simulator, World, find_engine
from allometry.inference.gateway import Gateway, Settings, read_keys, run_gateway
from allometry.inference.gateway.keys import digest
from allometry.inference.policies import Policy, Split
from allometry.notices import Refused

pytestmark = pytest.mark.servers
Running = Any
Start = Callable[..., Running]


# ---- the official client


def test_the_client_gets_the_answer_the_leaf_and_all_it_took(plain: Running) -> None:
    found = plain.ask(seed=4, temperature=0.2)
    assert (found.choices[0].message.content, found.choices[0].finish_reason) == ("four", "stop")
    assert found.usage.completion_tokens == 25  # five samples were asked for
    more = found.model_extra["allometry"]
    assert (more["leaf"], more["votes"], more["seed"], more["ignored"]) == (
        "vote at calls=5",
        [5.0],
        4,
        ["temperature"],
    )
    assert (more["meter"]["calls"], more["promised"]) == (5, True)


def test_headers_tell_it_too(plain: Running) -> None:
    with plain.client() as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=plain.asked)
    assert (raw.headers["x-allometry-leaf"], raw.headers["x-allometry-calls"]) == ("vote at calls=5", "5")
    assert raw.headers["x-request-id"] == raw.parse().id


def test_many_ask_at_once_by_the_asynchronous_client(plain: Running) -> None:
    async def ask() -> list[Any]:
        from openai import AsyncOpenAI

        async with AsyncOpenAI(base_url=plain.url, api_key="none", max_retries=0) as client:
            return await asyncio.gather(
                *(client.chat.completions.create(model="m", messages=plain.asked) for _ in range(20))
            )

    found = asyncio.run(ask())
    assert {one.choices[0].message.content for one in found} == {"four"}
    assert len({one.id for one in found}) == 20


def test_a_stream_is_the_same_answer(begin: Start, fake: Any) -> None:
    text = "wörds " * 200
    running = begin(fake(text))
    with running.client() as client:
        chunks = list(
            client.chat.completions.create(
                model="m", messages=running.asked, stream=True, stream_options={"include_usage": True}
            )
        )
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    assert len(chunks) > 5
    *_, last, used = chunks
    assert (last.choices[0].finish_reason, last.model_extra["allometry"]["leaf"]) == ("stop", "vote at calls=5")
    assert (used.choices, used.usage.completion_tokens) == ([], 25)
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_stream_without_usage_says_none(plain: Running) -> None:
    assert all(chunk.choices and chunk.usage is None for chunk in plain.ask(stream=True))


@pytest.mark.parametrize("stream", [False, True])
def test_calls_of_tools_come_back_untouched_and_are_not_voted_on(begin: Start, stream: bool, fake: Any) -> None:
    engine = fake()
    running = begin(engine)
    found = running.ask(tools=[running.tool], stream=stream)
    if stream:
        chunks = found
        [call] = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
        end = chunks[-1].choices[0].finish_reason
    else:
        [call], end = found.choices[0].message.tool_calls, found.choices[0].finish_reason
    assert (call.id, call.function.name, call.function.arguments) == ("call_1", "look", '{"at": "it"}')
    assert (end, len(engine.asked), engine.asked[0].n) == ("tool_calls", 1, 1)
    assert dict(engine.asked[0].tools[0]) == running.tool


def test_models_are_listed(plain: Running) -> None:
    with plain.client() as client:
        assert [model.id for model in client.models.list()] == ["m"]
        assert client.models.retrieve("m").owned_by == "allometry"


# ---- what is not answered


def refused(running: Running, **more: Any) -> Any:
    import openai

    with pytest.raises(openai.APIStatusError) as raised:
        running.ask(**more)
    return raised.value


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"n": 2}, 400, "n cannot be had from a policy"), ({"stop": "."}, 400, "stop cannot be had"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format cannot"), ({"logprobs": True}, 400, "logprobs cannot"),
        ({"tool_choice": "none"}, 400, "tool_choice cannot"), ({"extra_body": {"best_of": 3}}, 400, "there is no parameter 'best_of'"),
        ({"model": "other"}, 404, "there is no model 'other', only 'm'"), ({"messages": []}, 400, "messages are no list"),
        ({"messages": [{"role": "king", "content": "x"}]}, 400, "messages[0] has no role"),
        ({"messages": [{"role": "user"}]}, 400, "messages[0] has no content"), ({"max_tokens": 0}, 400, "max_tokens of 0"),
        ({"seed": -1}, 400, "seed is no whole number"), ({"tools": [{"type": "function"}]}, 400, "tools are no list of functions"),
        ({"extra_body": {"allometry": {"sore": 1}}}, 400, "allometry has no 'sore'"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_in_a_sentence(
    plain: Running, more: dict[str, Any], status: int, said: str
) -> None:
    import openai

    with pytest.raises(openai.APIStatusError) as raised, plain.client() as client:
        client.chat.completions.create(**{"model": "m", "messages": plain.asked, **more})
    assert (raised.value.status_code, said in raised.value.message) == (status, True), raised.value.message


NESTED = '{"model": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '{"model": NaN}', NESTED, '{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}', b"\xff\xfe",
     '{"messages": []}', '{"model": "m"}', '{"model": 3}', "9" * 5000],
)  # fmt: skip
def test_what_is_no_request_is_refused(plain: Running, body: str | bytes) -> None:
    status, held, _ = plain.raw(body)
    assert status == 400
    assert held["error"].keys() == {"message", "type", "param", "code"}
    assert held["error"]["type"] == "invalid_request_error"
    assert len(held["error"]["message"]) < 501


VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)  # fmt: skip
NAMES = (
    "messages",
    "stream",
    "stream_options",
    "n",
    "stop",
    "max_tokens",
    "seed",
    "tools",
    "tool_choice",
    "temperature",
    "allometry",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1, max_size=3))
def test_no_body_breaks_it(plain: Running, more: dict[str, Any]) -> None:
    from allometry.inference.gateway.asked import read_asked
    from allometry.inference.gateway.faults import Fault

    body = json.dumps({"model": "m", "messages": plain.asked, **more})
    try:
        asked = read_asked(body.encode(), "m")
    except Fault:
        asked = None
    if asked is None or not asked.stream:
        assert plain.raw(body)[0] == (400 if asked is None else 200)


def test_a_huge_body_is_refused_whether_it_says_so_or_not(begin: Start) -> None:
    running = begin(largest=10_000)
    status, held, _ = running.raw(b" " * 20_000)
    assert (status, held["error"]["code"]) == (413, "body_too_large")
    line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    line.request(
        "POST",
        "/v1/chat/completions",
        (b" " * 5000 for _ in range(4)),
        {"Content-Type": "application/json"},
        encode_chunked=True,
    )
    assert line.getresponse().status == 413
    line.close()


def test_a_page_in_a_browser_cannot_ask(plain: Running) -> None:
    body = json.dumps({"model": "m", "messages": plain.asked})
    assert plain.raw(body, **{"Content-Type": "text/plain"})[0] == 400
    assert plain.raw(body, Host="evil.example:80")[0] == 401


def test_other_paths_and_methods_are_told_in_the_same_shape(plain: Running) -> None:
    assert plain.raw("{}", "/v1/completions")[:2] == (404, {"error": {
        "message": "there is nothing at this path: see /v1/chat/completions, /v1/models and /v1/policy", "type": "invalid_request_error",
        "param": None, "code": "not_found"}})  # fmt: skip
    assert plain.raw("{}", "/v1/models")[0] == 405


@pytest.mark.parametrize("fault", [{"failure": "the server at 10.0.0.7 is down"}, {"breaks": True}])
def test_an_engine_that_fails_is_told_in_a_sentence_and_in_the_log(
    begin: Start, fault: dict[str, Any], caplog: pytest.LogCaptureFixture, fake: Any
) -> None:
    import openai

    engine = fake(**fault)
    running = begin(engine)
    error = refused(running)
    assert (error.status_code, error.code) == (502, "engine_failed")
    assert "10.0.0.7" not in error.message
    assert "sk-secret" not in error.message
    assert engine.failure in caplog.text
    with pytest.raises(openai.APIError, match="the engine gave no answer"):
        running.ask(stream=True)
    assert running.told()["requests"]["failed"] == 2


def test_an_error_of_the_gateway_shows_nothing_of_itself(begin: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise KeyError("a secret")

    running = begin()
    monkeypatch.setattr(running.gateway.watch, "count", breaks)
    error = refused(running)
    assert (error.status_code, error.code, "secret" in error.message) == (500, "internal_error", False)


def test_a_prompt_that_the_budget_does_not_hold_is_refused(begin: Start, made: Callable[..., Policy]) -> None:
    engine = Simulator(World(success=0.5), find_shape("layers=2 width=64 heads=4 ffn=128 vocab=64"))
    error = refused(begin(engine, made(engine, "flops=1")))
    assert (error.status_code, error.code) == (400, "budget_exceeded")


def test_a_rule_on_a_score_needs_one_and_looks_at_it(begin: Start, fake: Any, made: Callable[..., Policy]) -> None:
    engine = fake()
    running = begin(engine, made(engine, "calls=1", "calls=3", split=Split("score", 0.5)))
    assert refused(running).code == "no_score"
    for score, calls in ((0.7, 1), (0.2, 3)):
        assert running.ask(extra_body={"allometry": {"score": score}}).allometry["meter"]["calls"] == calls


# ---- who may ask, and how much


def test_keys_are_compared_and_limited(begin: Start, tmp_path: Path) -> None:
    import openai

    file = tmp_path / "keys.toml"
    file.write_text(f'[ann]\nsha256 = "{digest("key-of-ann")}"\nrequests_per_minute = 2\n[bob]\nsha256 = "{digest("key-of-bob")}"\ntokens_per_day = 20\n')  # fmt: skip
    running = begin(keys=read_keys(file))
    for key in ("none", "key-of-an", "key-of-anns"):
        with pytest.raises(openai.AuthenticationError) as unknown, running.client(key) as client:
            client.chat.completions.create(model="m", messages=running.asked)
        assert unknown.value.code == "invalid_api_key"
    assert running.raw("{}", "/v1/policy/scores")[0] == 401
    for key, many, code in (("key-of-ann", 2, "requests_per_minute"), ("key-of-bob", 1, "tokens_per_day")):
        with running.client(key) as client:
            for _ in range(many):
                given = client.chat.completions.create(model="m", messages=running.asked)
            with pytest.raises(openai.RateLimitError) as limited:
                client.chat.completions.create(model="m", messages=running.asked)
        assert limited.value.code == code
        assert int(limited.value.response.headers["retry-after"]) >= 1
    theirs = json.dumps({"id": given.id, "score": 1})
    assert running.raw(theirs, "/v1/policy/scores", Authorization="Bearer key-of-ann")[0] == 404
    assert running.raw(theirs, "/v1/policy/scores", Authorization="Bearer key-of-bob")[0] == 200


def test_no_more_are_under_way_than_may_be(begin: Start, fake: Any, until: Callable[..., Any]) -> None:
    engine = fake(seconds=0.5)
    running = begin(engine, most=1)
    first = threading.Thread(target=running.ask)
    first.start()
    assert until(lambda: engine.asked)
    error = refused(running)
    assert (error.status_code, error.code, error.response.headers["retry-after"]) == (503, "busy", "1")
    first.join()
    assert running.ask().choices


@pytest.mark.parametrize("stream", [False, True])
def test_whoever_hangs_up_ends_the_work(begin: Start, stream: bool, fake: Any, until: Callable[..., Any]) -> None:
    engine = fake(seconds=60)
    running = begin(engine)
    body = json.dumps({"model": "m", "messages": running.asked, "stream": stream}).encode()
    with socket.create_connection(("127.0.0.1", running.port)) as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)  # fmt: skip
        assert until(lambda: engine.asked)
    assert until(lambda: engine.cancelled)
    assert until(lambda: running.told()["requests"] | {"under_way": 0} == running.told()["requests"])
    assert running.told()["requests"]["cancelled"] == 1
    assert running.gateway.keys.holder(None)._tokens >= 5 * 64  # booked at their worst: five samples of 64


def test_stopping_lets_answers_end_and_takes_no_more(begin: Start, fake: Any, until: Callable[..., Any]) -> None:
    engine = fake(seconds=0.5)
    running = begin(engine)
    found: list[Any] = []
    asking = threading.Thread(target=lambda: found.append(running.ask()))
    asking.start()
    assert until(lambda: engine.asked)
    running.stop()
    asking.join(10)
    assert found[0].choices[0].message.content == "four"
    running.thread.join(10)
    assert not running.thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=1)


# ---- what is refused before anything is served


def test_keys_files_that_are_none_are_refused(tmp_path: Path) -> None:
    file, good = tmp_path / "keys.toml", f'sha256 = "{digest("k")}"'
    for text, said in (
        ("", "no key"), ("x", "no TOML"), ("a = 1", "no table"), ("[a]", "no sha256"), ('[a]\nsha256 = "key"', "no sha256"),
        (f"[a]\n{good}\nmore = 1", "unknown field"), (f"[a]\n{good}\ntokens_per_day = 0", "no whole number"),
        (f"[a]\n{good}\n[b]\n{good}", "b has the key of a"),
    ):  # fmt: skip
        file.write_text(text)
        with pytest.raises(Refused, match=said):
            read_keys(file)
    with pytest.raises(Refused, match="cannot be read"):
        read_keys(tmp_path / "none")


def test_an_open_door_a_taken_port_and_another_engine_are_refused(
    plain: Running, fake: Any, made: Callable[..., Policy]
) -> None:
    def gateway(engine: str = "fake") -> Gateway:
        return Gateway(made(fake(), engine=engine), {"main": fake()}, Settings("m"))

    for made_, host, port, said in (
        (gateway(), "0.0.0.0", 0, "without keys anybody"), (gateway(), "127.0.0.1", plain.port, "nothing can be served"),
        (gateway("other"), "127.0.0.1", 0, "was measured on other"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            run_gateway(made_, host, port, lambda url, stop: stop())


# ---- the command


def test_the_command_serves_until_it_is_stopped(
    tmp_path: Path, made: Callable[..., Policy], at: Callable[[str], Running]
) -> None:
    import jsonschema

    (tmp_path / "world.toml").write_text("success = 0.5\n")
    world = f"simulator:{tmp_path / 'world.toml'}"
    policy = made(find_engine(world)).save(tmp_path / "policy.json")
    code = "from allometry.cli import main; main()"
    words = [
        sys.executable,
        "-c",
        code,
        "serve",
        str(policy),
        "--engine",
        world,
        "--port",
        "0",
        "--name",
        "m",
        "--json",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas", "serve.json").read_text()))
        status, held, _ = at(told["url"]).raw(json.dumps({"model": "m", "messages": at(told["url"]).asked}))
        assert (status, held["allometry"]["leaf"], told["pid"]) == (200, "vote at calls=5", process.pid)
        process.terminate()
        assert process.wait(20) == 0
