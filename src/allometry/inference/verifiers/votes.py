"""Votes: what of a response counts as its answer, how much it weighs, and who wins."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from allometry.inference.calls import Response, canonical
from allometry.inference.records import find_hook
from allometry.inference.tasks import READERS, find_reader

Vote: TypeAlias = Callable[[Response], Hashable | None]


def tool_call(response: Response) -> Hashable | None:
    """The tool calls of a response, names and arguments, whatever order the arguments stand in."""
    if not response.tool_calls:
        return None
    return canonical([_called(call.get("function", call)) for call in response.tool_calls])


def _called(function: object) -> object:
    if not isinstance(function, dict):
        return function
    arguments = function.get("arguments")
    return {"name": function.get("name"), "arguments": _parsed(arguments) if isinstance(arguments, str) else arguments}


def json_value(response: Response) -> Hashable | None:
    """The last JSON value of a response, whatever the order of its keys; None where it holds none.

    >>> json_value(Response('{"b": 1, "a": 2}')) == json_value(Response('so: {"a":2,"b":1}'))
    True
    """
    return READERS["json"](response.content)


@cache
def find_vote(text: str) -> Vote:
    """What of a response votes, by name: `tool_call`, or what a reader takes out of its text (answer, number, choice,
    boxed, json, whole); or a function of a response that gives any hashable value, None for no vote: `mine.py:vote`.

    Errors: `Refused` with the nearest names when there is none.

    >>> find_vote("number")(Response("about 12"))
    Fraction(12, 1)
    """
    if ":" in text:
        own: Vote = find_hook(text)
        return own
    if text == "tool_call":
        return tool_call
    read = find_reader(text)

    def vote(response: Response) -> Hashable | None:
        return read(response.content)

    vote.__qualname__ = text  # it stands in the identity of a strategy
    return vote


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def confidence(response: Response) -> float:
    """The geometric mean of the probabilities of a response's tokens (needs `logprobs`).

    >>> round(confidence(Response("a", logprobs=(-0.1, -0.3))), 4)
    0.8187
    """
    return math.exp(sum(response.logprobs) / len(response.logprobs)) if response.logprobs else 0.0


class Tally(NamedTuple):
    """The place of the first response for the winner (None where nobody voted), and the weights, largest first."""

    winner: int | None
    weights: tuple[float, ...]


def tally(votes: Sequence[Hashable | None], weights: Iterable[float]) -> Tally:
    """Count votes by weight; of equal weights the one that was there first wins. None is no vote.

    >>> tally(["a", "b", None, "b"], [1, 1, 1, 1])
    Tally(winner=1, weights=(2.0, 1.0))
    """
    sums: dict[Hashable, float] = {}
    for vote, weight in zip(votes, weights, strict=True):
        if vote is not None:
            sums[vote] = sums.get(vote, 0.0) + weight
    if not sums:
        return Tally(None, ())
    best = max(sums, key=lambda vote: sums[vote])
    return Tally(votes.index(best), tuple(sorted(sums.values(), reverse=True)))
