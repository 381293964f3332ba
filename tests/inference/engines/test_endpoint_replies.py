"""What servers send is untrusted: it becomes whole samples or a fault, and tokens are counted or said to be estimated."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import Request, Response
from allometry.inference.engines.endpoint.answers import answers
from allometry.inference.engines.endpoint.body import body_of
from allometry.inference.engines.endpoint.faults import LONGEST_PROMISE, Fault, retry_after, status_fault, wait_before
from allometry.inference.engines.endpoint.keys import read_key, secrets_of
from allometry.inference.engines.endpoint.reply import Reply, parse
from allometry.inference.engines.endpoint.ways import Ways
from allometry.notices import Refused

CHAT = ({"role": "user", "content": "hi"},)
NAMES = st.sampled_from(
    ["choices", "delta", "message", "text", "content", "index", "finish_reason", "logprobs", "tokens", "token_logprobs",
     "token", "logprob", "tool_calls", "function", "name", "arguments", "usage", "prompt_tokens", "completion_tokens",
     "prompt_tokens_details", "cached_tokens", "error", "reasoning_content", "stop_reason"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=24,
)


def read(request: Request, *events: Any, ways: Ways | None = None, secrets: tuple[str, ...] = ()) -> list[Response]:
    reply = Reply(request.n)
    for moment, event in enumerate(events):
        reply.add(parse(json.dumps(event)), float(moment))
    whole = [one for _, one in reply.whole()]
    return answers(request, ways or Ways(), whole, reply.usage, 0.0, secrets)


def chat(content: Any = "ok", finish: Any = "stop", index: Any = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, "finish_reason": finish, "message": {"role": "assistant", "content": content}, **more}


def piece(content: str | None = None, finish: str | None = None, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "finish_reason": finish, "delta": {"content": content, **delta}}]}


def test_a_whole_reply_with_everything() -> None:
    listed = {"content": [{"token": "o", "logprob": -0.5}, {"token": "k", "logprob": -1}]}
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8},
             "completion_tokens_details": {"reasoning_tokens": 2}, "note": "text is not kept"}  # fmt: skip
    choice = chat("ok", logprobs=listed)
    choice["message"]["reasoning_content"] = "hm"
    (one,) = read(Request(CHAT, 8, logprobs=True), {"choices": [choice], "usage": usage})
    assert (one.content, one.reasoning, one.finish, one.tokens, one.logprobs) == (
        "ok",
        "hm",
        "stop",
        ("o", "k"),
        (-0.5, -1.0),
    )
    assert (one.usage.prompt, one.usage.cached, one.usage.generated, one.usage.reasoning) == (9, 8, 5, 2)
    assert one.usage.estimated == frozenset()
    assert "note" not in one.server


def test_a_stream_with_two_samples_between_each_other() -> None:
    events = [piece("a", index=1), piece("x"), piece("b", index=1), piece(None, "length", 1), piece("y", "stop"),
              {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 6}}]  # fmt: skip
    first, second = read(Request(CHAT, 4, n=2), *events)
    assert (first.content, second.content, second.finish) == ("xy", "ab", "length")
    assert (first.first_token, first.seconds, second.first_token, second.seconds) == (1.0, 4.0, 0.0, 3.0)
    assert [one.usage.generated for one in (first, second)] == [2, 4]
    assert first.usage.estimated == frozenset()


def test_tool_calls_are_put_together_from_their_pieces() -> None:
    events = [
        piece(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "look_up", "arguments": '{"wo'}}]),
        piece(tool_calls=[{"index": 0, "function": {"arguments": 'rd":1}'}}]),
        piece(None, "tool_calls"),
    ]
    (one,) = read(Request(CHAT, 8), *events)
    assert one.finish == "tool_calls"
    assert one.tool_calls == (
        {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"word":1}'}},
    )


def test_a_missing_usage_is_estimated_and_marked() -> None:
    (one,) = read(Request("x" * 40, 100), {"choices": [{"text": "y" * 41, "finish_reason": "stop"}]})
    assert one.usage.estimated == {"prompt", "generated"}
    assert (one.usage.prompt, one.usage.generated) == (10, 11)


def test_a_total_that_counts_one_of_several_samples_is_no_total() -> None:
    reply = {
        "choices": [chat("a b c d", "length", i) for i in range(2)],
        "usage": {"prompt_tokens": 1, "completion_tokens": 4},
    }
    assert [one.usage.generated for one in read(Request(CHAT, 4, n=2), reply)] == [4, 4]
    reply["choices"] = [chat("abcd" * 3, "stop", i) for i in range(3)]
    shared = read(Request(CHAT, 40, n=3), {**reply, "usage": {"prompt_tokens": 1, "completion_tokens": 31}})
    assert sum(one.usage.generated for one in shared) == 31
    assert shared[0].usage.estimated == {"generated"}


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "stop"), ("length", "length"), ("eos", "stop"), ("content_filter", "filtered"), ("whatever", "stop")],
)
def test_finish_reasons(reason: str, finish: str) -> None:
    assert read(Request(CHAT, 8), {"choices": [chat(finish=reason)]})[0].finish == finish


def test_the_stop_text_that_ended_a_sample() -> None:
    (one,) = read(Request(CHAT, 8, stop=("\n",)), {"choices": [chat("ok\n", stop_reason="\n")]})
    assert (one.content, one.stopped_by) == ("ok", "\n")
    (one,) = read(Request(CHAT, 8, stop=("\n",)), {"choices": [chat("ok", stop_reason=128009)]})
    assert one.stopped_by is None


def test_a_prefix_that_comes_back_is_taken_off() -> None:
    asked = Request(CHAT, 8, prefix="Par")
    assert read(asked, {"choices": [chat("Paris")]}, ways=Ways(repeats=True))[0].content == "is"
    with pytest.raises(Fault, match="did not send the text back"):
        read(asked, {"choices": [chat("London")]}, ways=Ways(repeats=True))


def test_log_probabilities_of_a_given_text() -> None:
    listed = {"tokens": ["2+2", "=", "4"], "token_logprobs": [None, -1.0, -0.25]}
    reply: dict[str, Any] = {"choices": [{"text": "2+2=4", "finish_reason": "length", "logprobs": listed}]}
    (one,) = read(Request("2+2", 0, prefix="=4", scored=True), reply)
    assert (one.content, one.prefix_logprobs, one.logprobs) == ("", (-1.0, -0.25), ())
    reply["choices"][0]["logprobs"] = {"tokens": ["2+2"], "token_logprobs": [None]}
    with pytest.raises(Fault, match="of the whole prefix"):
        read(Request("2+2", 0, prefix="=4", scored=True), reply)


@pytest.mark.parametrize(
    "event",
    [
        {"choices": {}}, {"choices": ["x"]}, {"choices": [chat(index=3)]}, {"choices": [chat(index="0")]},
        {"choices": [chat(index=True)]}, {"choices": [chat(5)]}, {"choices": [chat(finish=7)]}, {"choices": [chat(finish="abort")]},
        {"choices": [{"message": "x"}]}, {"choices": [chat(logprobs={"content": [3]})]},
        {"choices": [chat(logprobs={"content": [{"token": "a", "logprob": "b"}]})]},
        {"choices": [chat(logprobs={"tokens": ["a"], "token_logprobs": []})]},
        {"choices": [{"index": 0, "message": {"tool_calls": ["x"]}}]}, {"error": {"message": "no"}}, [], 3, None,
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_faults(event: Any) -> None:
    with pytest.raises(Fault):
        read(Request(CHAT, 8), event)


def test_numbers_that_are_not_finite_are_faults_or_left_out() -> None:
    reply = Reply(1)
    with pytest.raises(Fault, match="not finite"):
        reply.add(parse('{"choices": [{"logprobs": {"tokens": ["a"], "token_logprobs": [-1e999]}}]}'), 0.0)
    reply.add(parse('{"choices": [], "usage": {"prompt_tokens": 1e999, "completion_tokens": 2}}'), 0.0)
    assert reply.usage == {"completion_tokens": 2}


@given(JSON)
def test_whatever_json_comes_it_is_samples_or_a_fault(event: Any) -> None:
    try:
        found = read(Request(CHAT, 8, n=2, logprobs=True), event)
    except Fault:
        return
    assert all(isinstance(one.content, str) and one.usage.generated >= 0 for one in found)


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"a": NaN}', "[" * 100_000, '{"usage": Infinity}'])
def test_what_is_no_json_is_a_fault(text: str) -> None:
    with pytest.raises(Fault):
        parse(text)


def test_secrets_in_what_a_server_writes_are_masked() -> None:
    secrets = secrets_of("sk-planted-key")
    (one,) = read(Request(CHAT, 8), {"choices": [chat("your key is sk-planted-key")]}, secrets=secrets)
    assert one.content == "your key is ***"


def test_who_is_asked_again_and_after_how_long() -> None:
    assert [status_fault(s, "", {}).again for s in (400, 401, 404, 408, 422, 429, 500, 503)] == [
        False, False, False, True, False, True, True, True]  # fmt: skip
    assert [status_fault(s, "", {}).paid for s in (400, 429, 500, 503)] == [False, False, True, False]
    assert retry_after({"retry-after": "7"}) == 7.0
    assert retry_after({"retry-after-ms": "250"}) == 0.25
    assert retry_after({"retry-after": "1e9"}) == LONGEST_PROMISE
    assert retry_after({"retry-after": "soon"}) is retry_after({"retry-after": "-3"}) is retry_after({}) is None
    later = retry_after({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=90))})
    assert later is not None
    assert 80 < later <= 90
    chance = random.Random(0)
    waits = [wait_before(attempt, Fault(""), chance) for attempt in range(1, 12)]
    assert all(0.25 * 2**k <= wait <= 0.5 * 2**k for k, wait in enumerate(waits[:6]))
    assert max(waits) <= 60


def test_options_never_replace_what_the_request_says() -> None:
    body = body_of(Request(CHAT, 8, options={"top_k": 5}, seed=1 << 51), Ways("max_completion_tokens"), stream=True)
    assert body["top_k"] == 5
    assert body["max_completion_tokens"] == 8
    assert body["seed"] < 1 << 31
    with pytest.raises(Refused, match="'n' is no option"):
        body_of(Request(CHAT, 8, options={"n": 5}), Ways(), stream=True)
    with pytest.raises(Refused, match="no tools"):
        body_of(Request("raw", 8, schema={}), Ways(), stream=True)


def test_keys_come_from_the_environment_or_a_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert read_key() is None
    monkeypatch.setenv("OTHER_KEY", "sk-other-key")
    assert read_key("OTHER_KEY") == "sk-other-key"
    (tmp_path / "key").write_text("sk-of-a-file\n")
    assert read_key(file=tmp_path / "key") == "sk-of-a-file"
    for text in ("", "two words", "sk-\nbroken-key"):
        (tmp_path / "key").write_text(text)
        with pytest.raises(Refused) as refused:
            read_key(file=tmp_path / "key")
        assert "broken" not in str(refused.value)
    with pytest.raises(Refused, match="cannot be read"):
        read_key(file=tmp_path / "nothing")


def test_passwords_of_proxies_are_secrets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://someone:p%40ssword-x@proxy:3128")
    assert {"p%40ssword-x", "p@ssword-x", "someone:p%40ssword-x"} <= set(secrets_of(None))
