"""Samples as they came, turned into responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from allometry.inference.calls import Request, Response, Usage
from allometry.inference.engines.endpoint.faults import Fault
from allometry.inference.engines.endpoint.reply import Partial
from allometry.inference.engines.endpoint.usage import usages_of
from allometry.inference.engines.endpoint.ways import Ways
from allometry.inference.records import mask


def answers(
    request: Request,
    ways: Ways,
    samples: Sequence[Partial],
    whole: Mapping[str, Any] | None,
    begun: float,
    secrets: Sequence[str],
) -> list[Response]:
    """The responses that samples of one attempt are; `begun` is when they were asked for.

    Errors: `Fault` where the server did not send what was asked for.
    """
    usages = usages_of(request, samples, whole)
    return [
        _answer(request, ways, one, usage, whole or {}, begun, secrets)
        for one, usage in zip(samples, usages, strict=True)
    ]


def _answer(
    request: Request,
    ways: Ways,
    one: Partial,
    usage: Usage,
    whole: Mapping[str, Any],
    begun: float,
    secrets: Sequence[str],
) -> Response:
    found = Response(
        _content(request, ways, one, secrets), mask("".join(one.reasoning), secrets), one.tool_calls(),
        one.finish or "cancelled", one.stop_reason if one.stop_reason in request.stop else None, usage=usage,
        server=one.usage or whole, seconds=None if one.ended is None else one.ended - begun,
        first_token=None if one.began is None else one.began - begun,
    )  # fmt: skip
    return replace(found, **_tokens(request, one, secrets))


def _content(request: Request, ways: Ways, one: Partial, secrets: Sequence[str]) -> str:
    """What was generated behind the prefix, without the stop text."""
    text = "".join(one.content)
    given = _given(request, ways)
    # only a whole answer is sure to be long enough to hold what it repeats
    if given and one.finish is not None and not text.startswith(given):
        raise Fault("the server did not send the text back that it was to go on from")
    text = text[len(given) :]
    ended = one.stop_reason if one.stop_reason in request.stop else None
    if one.finish == "stop" and ended and text.endswith(ended):
        text = text[: -len(ended)]
    return mask(text, secrets)


def _given(request: Request, ways: Ways) -> str:
    """The text that comes back in front of what is new."""
    if request.scored:
        return f"{request.prompt}{request.prefix}"
    return request.prefix if ways.repeats else ""


def _tokens(request: Request, one: Partial, secrets: Sequence[str]) -> dict[str, Any]:
    """The tokens and log-probabilities that were asked for; of a scored text, those behind the prompt."""
    if not request.scored:
        made = [(token, value) for token, value in zip(one.tokens, one.logprobs, strict=True) if value is not None]
        if not request.logprobs:
            return {}
        return {"tokens": tuple(mask(t, secrets) for t, _ in made), "logprobs": tuple(v for _, v in made)}
    prompt, given, at = len(str(request.prompt)), len(_given(request, Ways())), 0
    found: dict[str, list[Any]] = {"prefix_logprobs": [], "tokens": [], "logprobs": []}
    for token, value in zip(one.tokens, one.logprobs, strict=True):
        if value is not None and prompt <= at < given:
            found["prefix_logprobs"].append(value)
        elif value is not None and at >= given and request.logprobs:
            found["tokens"].append(token)
            found["logprobs"].append(value)
        at += len(token)
    if at < given:
        raise Fault("the server did not give log-probabilities of the whole prefix")
    return {name: tuple(values) for name, values in found.items()}
