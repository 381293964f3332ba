"""A request as the body of an HTTP call."""

from __future__ import annotations

from typing import Any

from allometry.inference.calls import Request
from allometry.inference.engines.endpoint.ways import Form, Ways
from allometry.notices import Refused

PATHS: dict[Form, str] = {"chat": "/chat/completions", "text": "/completions"}
# Keys of samples have 52 bits; some servers hold a seed in 32 with a sign.
SEEDS = 1 << 31
OWN = frozenset({"model", "messages", "prompt", "n", "max_tokens", "max_completion_tokens", "temperature", "seed", "stop",
                 "stream", "stream_options", "logprobs", "echo", "tools", "response_format"})  # fmt: skip


def form_of(request: Request) -> Form:
    """Which kind of call a request is."""
    return "text" if isinstance(request.prompt, str) else "chat"


def body_of(request: Request, ways: Ways, *, stream: bool) -> dict[str, Any]:
    """What is sent, besides the model's name.

    Errors: `Refused` for what a call of its form has no place for, and for options that the request has fields for.
    """
    form = form_of(request)
    twice = sorted(OWN & request.options.keys())
    if twice:
        raise Refused("reserved-option", f"{twice[0]!r} is no option but a field of the request", "options", "set that")
    body = {**request.options, **(_chat(request) if form == "chat" else _text(request))}
    body |= {ways.limit: request.max_tokens, "temperature": request.temperature, "seed": request.seed % SEEDS}
    if request.n > 1:
        body["n"] = request.n
    if request.stop:
        body["stop"] = list(request.stop)
    body["stream"] = stream
    if stream:
        body["stream_options"] = {"include_usage": True}
    return {name: value for name, value in body.items() if name not in ways.without}


def _chat(request: Request) -> dict[str, Any]:
    if request.scored:
        raise Refused("chat-lacks", "chat endpoints give no log-probabilities of a prefix", "the request",
                      "give raw text")  # fmt: skip
    body: dict[str, Any] = {"messages": [dict(message) for message in request.prompt if not isinstance(message, str)]}
    if request.prefix:
        body["messages"].append({"role": "assistant", "content": request.prefix})
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.logprobs:
        body["logprobs"] = True
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
    if request.schema is not None:
        held = {"name": "answer", "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": held}
    return body


def _text(request: Request) -> dict[str, Any]:
    if request.tools or request.schema is not None:
        raise Refused("text-lacks", "raw text takes no tools and no schema", "the request", "give messages")
    body: dict[str, Any] = {"prompt": f"{request.prompt}{request.prefix}"}
    if request.logprobs or request.scored:
        body["logprobs"] = 1
    if request.scored:
        body["echo"] = True
    return body
