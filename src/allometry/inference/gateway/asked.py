"""The body of a request for a chat completion, read as a stranger's."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias

from allometry.inference.calls import Message
from allometry.inference.gateway.faults import Fault, bad

Form: TypeAlias = Literal["chat", "text"]
ROLES = ("system", "developer", "user", "assistant", "tool")
IGNORED = frozenset({
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "reasoning_effort", "verbosity", "user", "metadata",
    "store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
})  # fmt: skip
"""What the policy decides, or what only matters to who keeps accounts: taken, not obeyed, and said so."""
_USED = frozenset({"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "seed", "tools",
                   "allometry"})  # fmt: skip
# Another answer than the policy's would be asked for; these are the values that ask for nothing.
_NOTHING: Mapping[str, tuple[Any, ...]] = {
    "n": (1,), "stop": ([],), "logprobs": (False,), "top_logprobs": (0,), "logit_bias": ({},), "tool_choice": ("auto",),
    "parallel_tool_calls": (True,), "response_format": ({"type": "text"},), "modalities": (["text"],), "functions": ([],),
    "function_call": (), "audio": (), "prediction": (), "web_search_options": (),
}  # fmt: skip
_SEEDS = 2**31


@dataclass(frozen=True)
class Asked:
    """What is asked: messages (or one text), bounds and a seed; `ignored` are parameters that were not obeyed."""

    prompt: str | tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...]
    stream: bool
    usage: bool
    tokens: int | None
    seed: int
    score: float | None
    ignored: tuple[str, ...]


def read_asked(body: bytes, model: str, form: Form = "chat") -> Asked:
    """The request in a body.

    Errors: `Fault` 400 for what is no such request, 404 for another model, each naming the parameter.

    >>> read_asked(b'{"model": "m", "messages": [{"role": "user", "content": "2+2="}], "temperature": 1}', "m").ignored
    ('temperature',)
    """
    held = _json(body)
    _check_names(held)
    name = held.get("model")
    if not isinstance(name, str) or not name:
        raise bad("model is no text: give the name that /v1/models lists", "model", "missing_parameter")
    if name != model:
        raise Fault(404, "model_not_found", f"there is no model {name!r:.80}, only {model!r}", "model")
    options = _optional(held, "stream_options", dict) or {}
    more = _optional(held, "allometry", dict) or {}
    ignored = tuple(sorted(name for name in IGNORED if held.get(name) is not None))
    seed = _optional(held, "seed", int)
    messages = _messages(held.get("messages"))
    return Asked(
        messages if form == "chat" else _text(messages), _tools(held.get("tools")), bool(_optional(held, "stream", bool)),
        bool(options.get("include_usage")), _tokens(held), secrets.randbelow(_SEEDS) if seed is None else _seed(seed),
        _score(more), ignored,
    )  # fmt: skip


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        held = json.loads(body.decode("utf-8"), parse_constant=_no_number)
        json.dumps(held, ensure_ascii=False).encode(
            "utf-8"
        )  # half a character would fail later, on its way to the engine
    except RecursionError:
        raise bad("the body is nested too deep", code="invalid_json") from None
    except ValueError as error:
        said = (
            str(error).splitlines()[0]
            if isinstance(error, json.JSONDecodeError)
            else "it is no UTF-8, or holds no number of JSON"
        )
        raise bad(f"the body is not JSON: {said:.120}", code="invalid_json") from None
    if not isinstance(held, dict):
        raise bad("the body is no JSON object", code="invalid_json")
    return held


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _check_names(held: Mapping[str, Any]) -> None:
    for name, value in held.items():
        if name in _NOTHING:
            if value is not None and not any(value == one and type(value) is type(one) for one in _NOTHING[name]):
                raise bad(
                    f"{name} cannot be had from a policy, which was measured without it: leave it out",
                    name,
                    "unsupported_parameter",
                )
        elif name not in IGNORED and name not in _USED:
            raise bad(f"there is no parameter {name!r:.60}", name[:60], "unknown_parameter")


def _optional(held: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = held.get(name)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        called = {dict: "object", int: "whole number", bool: "true or false"}[kind]
        raise bad(f"{name} is no {called}", name)
    return value


def _messages(held: object) -> tuple[Message, ...]:
    if held is None:
        raise bad("messages are missing: give a list of them", "messages", "missing_parameter")
    if not isinstance(held, list) or not held:
        raise bad("messages are no list of at least one", "messages")
    return tuple(_message(message, f"messages[{i}]") for i, message in enumerate(held))


def _message(held: object, where: str) -> Message:
    if not isinstance(held, dict):
        raise bad(f"{where} is no object", where)
    if held.get("role") not in ROLES:
        raise bad(f"{where} has no role out of {', '.join(ROLES)}", f"{where}.role")
    content, calls = held.get("content"), held.get("tool_calls")
    if calls is not None and not _objects(calls):
        raise bad(f"{where} has tool_calls that are no list of objects", f"{where}.tool_calls")
    if not (
        isinstance(content, str) or _objects(content) or (content is None and calls and held["role"] == "assistant")
    ):
        raise bad(f"{where} has no content: give a text, or a list of parts", f"{where}.content")
    return held


def _objects(held: object) -> bool:
    return isinstance(held, list) and bool(held) and all(isinstance(one, dict) for one in held)


def _text(messages: tuple[Message, ...]) -> str:
    """The one text of a conversation for a policy that was measured on texts."""
    content = messages[0].get("content")
    if len(messages) != 1 or messages[0]["role"] != "user" or not isinstance(content, str) or not content:
        raise bad("this policy answers texts: give one message of the user with a text", "messages")
    return content


def _tools(held: object) -> tuple[Mapping[str, Any], ...]:
    if held is None or held == []:
        return ()
    if not isinstance(held, list) or not all(
        isinstance(one, dict) and isinstance(one.get("function"), dict) for one in held
    ):
        raise bad("tools are no list of functions", "tools")
    return tuple(held)


def _tokens(held: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = _optional(held, name, int)
        if value is not None:
            if not 1 <= value < _SEEDS:
                raise bad(f"{name} of {value} hold no answer: give a number from 1", name)
            return int(value)
    return None


def _seed(seed: int) -> int:
    if not 0 <= seed < _SEEDS:
        raise bad(f"seed is no whole number from 0 to {_SEEDS - 1}", "seed")
    return seed


def _score(more: Mapping[str, Any]) -> float | None:
    for name in more:
        if name != "score":
            raise bad(f"allometry has no {name!r:.40}, only score", "allometry")
    score = more.get("score")
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise bad("allometry.score is no finite number", "allometry.score")
    return float(score)
