"""What a server sends, taken as untrusted: whole replies and pieces of streams become samples, or a fault."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from allometry.inference.calls import Finish
from allometry.inference.engines.endpoint.faults import Fault

_FINISHES: Mapping[str, Finish] = {
    "length": "length", "max_tokens": "length", "tool_calls": "tool_calls", "function_call": "tool_calls",
    "content_filter": "filtered",
}  # fmt: skip
# By these a server says that it gave a sample up.
_GIVEN_UP = frozenset({"abort", "error", "cancelled"})
_DEEPEST = 4
LONGEST_SAID = 300


def parse(text: str) -> Mapping[str, Any]:
    """A JSON object of a reply. Errors: `Fault` for anything else, and for an error that came with a good status."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Fault("the server sent malformed JSON") from None
    if not isinstance(found, dict):
        raise Fault("the server sent JSON that is no object")
    if found.get("error"):
        raise Fault(f"the server sent an error: {said_in(found)}")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def said_in(body: object) -> str:
    """What an error says, in one short line."""
    held = body.get("error", body) if isinstance(body, dict) else body
    held = held.get("message", "") if isinstance(held, dict) else held
    return " ".join(str(held or "nothing more").split())[:LONGEST_SAID]


@dataclass(eq=False)
class Partial:
    """One sample as far as it has come; `began` and `ended` are moments of its first and its last piece."""

    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    logprobs: list[float | None] = field(default_factory=list)
    finish: Finish | None = None
    stop_reason: str | None = None
    pieces: int = 0
    usage: Mapping[str, Any] | None = None
    began: float | None = None
    ended: float | None = None

    @property
    def text(self) -> str:
        """Everything that was written, thoughts first."""
        return "".join(self.reasoning) + "".join(self.content)

    def add(self, choice: Mapping[str, Any], now: float) -> None:
        """Take in a choice of a reply, or a piece of one in a stream."""
        held = _mapping(choice, "delta") or _mapping(choice, "message") or {}
        content = _text(choice, "text") or _content(held)
        thought = _text(held, "reasoning_content") or _text(held, "reasoning")
        called = _list(held, "tool_calls")
        if content or thought or called:
            self.pieces += 1
            self.began = now if self.began is None else self.began
        self.content.append(content)
        self.reasoning.append(thought)
        for number, call in enumerate(called):
            self._add_call(number, call)
        self._add_logprobs(_mapping(choice, "logprobs") or {})
        self._end(choice, now)

    def tool_calls(self) -> tuple[Mapping[str, Any], ...]:
        """The tool calls, put together from their pieces."""
        return tuple(
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for _, call in sorted(self.calls.items())
        )

    def _add_call(self, number: int, call: object) -> None:
        if not isinstance(call, dict):
            raise Fault("the server sent a tool call that is no object")
        index = call.get("index", number)
        function = _mapping(call, "function") or {}
        if type(index) is not int:
            raise Fault("the server sent a tool call without a number")
        held = self.calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        held["id"] = held["id"] or _text(call, "id")
        held["name"] += _text(function, "name")
        arguments = function.get("arguments")
        held["arguments"] += json.dumps(arguments) if isinstance(arguments, dict) else _text(function, "arguments")

    def _add_logprobs(self, held: Mapping[str, Any]) -> None:
        """Those of chat completions, objects of a token each, or of completions, lists side by side."""
        for one in _list(held, "content"):
            if not isinstance(one, dict):
                raise Fault("the server sent a log-probability that is no object")
            self._add_token(one.get("token"), one.get("logprob"))
        if "tokens" in held:
            tokens, values = _list(held, "tokens"), _list(held, "token_logprobs")
            if len(tokens) != len(values):
                raise Fault("the server sent tokens and log-probabilities that do not pair up")
            for token, value in zip(tokens, values, strict=True):
                self._add_token(token, value)

    def _add_token(self, token: object, value: object) -> None:
        # the first token of a prompt has none
        if not isinstance(token, str) or isinstance(value, bool) or not isinstance(value, int | float | None):
            raise Fault("the server sent a log-probability of the wrong kind")
        if value is not None and not math.isfinite(value):
            raise Fault("the server sent a log-probability that is not finite")
        self.tokens.append(token)
        self.logprobs.append(None if value is None else float(value))

    def _end(self, choice: Mapping[str, Any], now: float) -> None:
        reason, stopped = _text(choice, "finish_reason"), choice.get("stop_reason")
        if reason in _GIVEN_UP:
            raise Fault(f"the server gave the sample up: {reason}")
        if isinstance(stopped, str):
            self.stop_reason = stopped
        if reason:
            # whatever else a server calls the end of an answer, it is one
            self.finish, self.ended = _FINISHES.get(reason, "stop"), now


@dataclass(eq=False)
class Reply:
    """The samples of one attempt, by number, and the usage of all of them together."""

    count: int
    samples: dict[int, Partial] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None

    def add(self, event: Mapping[str, Any], now: float) -> None:
        """Take in a whole reply, or one event of a stream."""
        choices, usage = _list(event, "choices"), numbers(event.get("usage"))
        for choice in choices:
            if not isinstance(choice, dict):
                raise Fault("the server sent a choice that is no object")
            self._sample(choice).add(choice, now)
        if not usage:
            return
        if len(choices) == 1 and self.count > 1:
            self._sample(choices[0]).usage = usage  # in a stream, some servers count each sample apart
        else:
            self.usage = usage

    def _sample(self, choice: Mapping[str, Any]) -> Partial:
        index = choice.get("index", 0)
        if type(index) is not int or not 0 <= index < self.count:
            raise Fault("the server sent a choice that was not asked for")
        return self.samples.setdefault(index, Partial())

    def whole(self) -> Iterator[tuple[int, Partial]]:
        """The samples that have ended."""
        return ((i, one) for i, one in sorted(self.samples.items()) if one.finish is not None)


def numbers(held: object, depth: int = 0) -> dict[str, Any]:
    """The numbers of a usage, for that is all that is kept of it."""
    if not isinstance(held, dict) or depth > _DEEPEST:
        return {}
    found: dict[str, Any] = {}
    for name, value in held.items():
        if isinstance(value, dict) and (inner := numbers(value, depth + 1)):
            found[name] = inner
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            found[name] = value
    return found


def inner(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The numbers of a part of a usage; none where it is no such part."""
    value = held.get(name)
    return value if isinstance(value, dict) else {}


def _content(held: Mapping[str, Any]) -> str:
    """The content of a message: a text, or parts of which some are text."""
    content = held.get("content")
    if not isinstance(content, list):
        return _text(held, "content")
    return "".join(_text(part, "text") for part in content if isinstance(part, dict))


def _text(held: Mapping[str, Any], name: str) -> str:
    value = held.get(name)
    if value is not None and not isinstance(value, str):
        raise Fault(f"the server sent a {name} that is no text")
    return value or ""


def _list(held: Mapping[str, Any], name: str) -> list[Any]:
    value = held.get(name)
    if value is not None and not isinstance(value, list):
        raise Fault(f"the server sent {name} that are no list")
    return value or []


def _mapping(held: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = held.get(name)
    if value is not None and not isinstance(value, dict):
        raise Fault(f"the server sent a {name} that is no object")
    return value
