"""How many tokens samples took: by the server's word where it gives one, else estimated and marked so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from allometry.inference.calls import Request, Usage, prompt_bound
from allometry.inference.engines.endpoint.reply import Partial, inner

# Of English text with the tokenizers of large models: assumed, and marked wherever it is used.
BYTES_PER_TOKEN = 4


def usages_of(request: Request, samples: Sequence[Partial], whole: Mapping[str, Any] | None) -> list[Usage]:
    """The usage of each sample of a reply; `whole` is what the server says of all together."""
    return [
        _usage(request, one, one.usage or whole or {}, made)
        for one, made in zip(samples, _generated(request, samples, whole or {}), strict=True)
    ]


def _usage(request: Request, one: Partial, said: Mapping[str, Any], made: tuple[int, bool]) -> Usage:
    generated, sure = made
    prompt, cached = _count(said, "prompt_tokens"), _count(inner(said, "prompt_tokens_details"), "cached_tokens")
    guessed = {"prompt"} if prompt is None else set()
    if prompt is None:
        prompt = math.ceil(prompt_bound(request) / BYTES_PER_TOKEN)
    if not sure:
        guessed.add("generated")
    reasoning = _count(inner(said, "completion_tokens_details"), "reasoning_tokens") if request.n == 1 else None
    if reasoning is None and (thought := "".join(one.reasoning)):
        reasoning = round(generated * len(thought) / len(one.text))
        guessed.add("reasoning")
    return Usage(prompt, min(cached or 0, prompt), generated, min(reasoning or 0, generated), frozenset(guessed))


def _generated(request: Request, samples: Sequence[Partial], whole: Mapping[str, Any]) -> list[tuple[int, bool]]:
    """The tokens of each sample, and whether they were counted and not estimated."""
    if len(samples) == 1 and (total := _count(samples[0].usage or whole, "completion_tokens")) is not None:
        return [(total, True)]
    known = [_known(request, one) for one in samples]
    open_ = [i for i, count in enumerate(known) if count is None]
    total = _count(whole, "completion_tokens")
    guesses = [
        count if count is not None else estimate(one, request) for count, one in zip(known, samples, strict=True)
    ]
    # a total that is too small for what is known is not one: some servers report a single sample
    left = -1 if total is None else total - sum(count for count in known if count is not None)
    if not open_ or left < len(open_):
        return [(guess, known[i] is not None) for i, guess in enumerate(guesses)]
    shares = _share(left, [guesses[i] for i in open_])
    sure = len(open_) == 1 or shares == [guesses[i] for i in open_]
    return [(shares[open_.index(i)], sure) if i in open_ else (guesses[i], True) for i in range(len(samples))]


def _known(request: Request, one: Partial) -> int | None:
    """What is sure of one sample: what the server counts apart, one that used its bound up, or its listed tokens."""
    count = _count(one.usage or {}, "completion_tokens")
    if count is not None:
        return count
    if one.finish == "length":
        return request.max_tokens
    return len(one.tokens) if one.tokens and not request.scored else None


def estimate(one: Partial, request: Request) -> int:
    """The tokens of a sample whose server does not say: a piece of a stream holds one at least."""
    guess = max(one.pieces, math.ceil(len(one.text.encode("utf-8", "replace")) / BYTES_PER_TOKEN))
    return min(max(guess, len(one.tokens)), max(guess, 1) if request.scored else request.max_tokens)


def _share(total: int, weights: Sequence[int]) -> list[int]:
    """A total in whole parts that are as the weights are."""
    bounds, whole, passed = [0], max(1, sum(weights)), 0
    for weight in weights:
        passed += weight
        bounds.append(round(total * passed / whole))
    return [after - before for before, after in pairwise(bounds)]


def _count(held: Mapping[str, Any], name: str) -> int | None:
    value = held.get(name)
    return int(value) if isinstance(value, int | float) and value >= 0 else None
