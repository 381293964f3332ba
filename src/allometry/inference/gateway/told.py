"""An answer of a policy as a chat completion, whole or in chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from allometry.inference.calls import NUMBERS, Meter, Response
from allometry.inference.gateway.asked import Asked
from allometry.inference.policies import Served

PIECE = 256
"""Characters of one chunk: the whole answer is there when the first is sent, so small ones would only cost."""
DONE = b"data: [DONE]\n\n"
_ENDS = {"stop": "stop", "length": "length", "cancelled": "length", "tool_calls": "tool_calls", "filtered": "content_filter"}  # fmt: skip


def completion(name: str, model: str, created: int, asked: Asked, served: Served, promised: bool) -> dict[str, Any]:
    """The whole answer as one object; `promised` says whether the policy's promise holds for it."""
    choice = {"index": 0, "message": _message(served.response), "logprobs": None, "finish_reason": _end(served)}
    return {
        "id": name, "object": "chat.completion", "created": created, "model": model, "choices": [choice],
        "usage": usage(served.meter), "allometry": extension(asked, served, promised),
    }  # fmt: skip


def usage(meter: Meter) -> dict[str, Any]:
    """All that was asked of engines for the answer, samples that were not chosen included: that is what is paid."""
    return {
        "prompt_tokens": meter.prompt_tokens, "completion_tokens": meter.generated_tokens,
        "total_tokens": meter.prompt_tokens + meter.generated_tokens,
        "prompt_tokens_details": {"cached_tokens": meter.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": meter.reasoning_tokens},
    }  # fmt: skip


def extension(asked: Asked, served: Served, promised: bool) -> dict[str, Any]:
    """What no other endpoint tells: the leaf that answered, what its rule saw, the votes and the meter."""
    return {
        "leaf": served.leaf, "state": served.state, "why": served.why, "seen": served.seen, "votes": list(served.votes),
        "meter": {name: getattr(served.meter, name) for name in NUMBERS}, "seed": asked.seed, "promised": promised,
        "ignored": list(asked.ignored),
    }  # fmt: skip


def headers(served: Served) -> dict[str, str]:
    """The same for those who only see headers."""
    return {
        "x-allometry-leaf": served.leaf.encode("ascii", "replace").decode().replace("\n", " "),
        "x-allometry-calls": f"{served.meter.calls}",
        "x-allometry-generated-tokens": f"{served.meter.generated_tokens}",
    }  # fmt: skip


class Chunks:
    """The events of one streamed answer."""

    def __init__(self, name: str, model: str, created: int, asked: Asked) -> None:
        self._asked = asked
        self._head = {"id": name, "object": "chat.completion.chunk", "created": created, "model": model}

    def first(self) -> bytes:
        """Sent at once, so that whoever waits sees that somebody is there."""
        return self._choice({"role": "assistant", "content": ""})

    def rest(self, served: Served, promised: bool) -> Iterator[bytes]:
        """The answer in pieces, why it ended, and what it took where that was asked for."""
        for delta in _deltas(served.response):
            yield self._choice(delta)
        yield self._choice({}, _end(served), {"allometry": extension(self._asked, served, promised)})
        if self._asked.usage:
            yield event({**self._head, "choices": [], "usage": usage(served.meter)})
        yield DONE

    def _choice(self, delta: Mapping[str, Any], end: str | None = None, more: Mapping[str, Any] | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
        usage = {"usage": None} if self._asked.usage else {}
        return event({**self._head, "choices": [choice], **usage, **(more or {})})


def event(held: Mapping[str, Any]) -> bytes:
    """One server-sent event."""
    return (
        b"data: "
        + json.dumps(held, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
        + b"\n\n"
    )


def _message(response: Response | None) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "" if response is None else response.content,
        "refusal": None,
    }
    if response is not None and response.reasoning:
        message["reasoning_content"] = response.reasoning
    if response is not None and response.tool_calls:
        message |= {"tool_calls": list(response.tool_calls), "content": response.content or None}
    return message


def _deltas(response: Response | None) -> Iterator[dict[str, Any]]:
    if response is None:
        return
    for name, text in (("reasoning_content", response.reasoning), ("content", response.content)):
        for start in range(0, len(text), PIECE):
            yield {name: text[start : start + PIECE]}
    for i, call in enumerate(response.tool_calls):
        yield {"tool_calls": [{"index": i, **call}]}


def _end(served: Served) -> str:
    if served.response is None:
        return "length"
    return "tool_calls" if served.response.tool_calls else _ENDS[served.response.finish]
