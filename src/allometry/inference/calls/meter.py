"""What calls took: one value that adds up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from allometry.costs import Shape
from allometry.costs.cache import cache_entries
from allometry.costs.flops import forward_flops
from allometry.inference.calls.engine import Profile
from allometry.inference.calls.request import Usage


@dataclass(frozen=True, slots=True)
class Meter:
    """Calls, tokens by kind, FLOPs, bytes of the cache that decoding read, money; None where that cannot be known.

    `calls` are sequences asked for: a request of n samples counts n, so that a budget in calls means the same on a
    server that takes n and on one that does not. The prompt of such a request is counted once where the engine takes
    n. `critical_path_tokens` are those of the longest chain of calls that had to wait for one another, `seconds` those
    from the first call to the answer. `estimated` names the kinds of tokens that a server did not report.
    """

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    reasoning_tokens: int = 0
    flops: float | None = 0.0
    kv_bytes: float | None = 0.0
    money: float | None = 0.0
    critical_path_tokens: int = 0
    seconds: float = 0.0
    estimated: frozenset[str] = frozenset()

    def __add__(self, other: Meter) -> Meter:
        """Both together, one after the other."""
        return Meter(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.generated_tokens + other.generated_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            _sum(self.flops, other.flops),
            _sum(self.kv_bytes, other.kv_bytes),
            _sum(self.money, other.money),
            self.critical_path_tokens + other.critical_path_tokens,
            self.seconds + other.seconds,
            self.estimated | other.estimated,
        )

    def __mul__(self, times: int) -> Meter:
        """So many of it, one after the other.

        >>> (Meter(calls=1, generated_tokens=8, flops=None) * 3).generated_tokens
        24
        """
        held = ((name, getattr(self, name)) for name in NUMBERS)
        scaled: dict[str, Any] = {name: None if one is None else one * times for name, one in held}
        return replace(self, **scaled)


NUMBERS = tuple(f.name for f in fields(Meter) if f.name != "estimated")


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


def meter_call(profile: Profile, usages: Sequence[Usage]) -> Meter:
    """What one request took on an engine, from the tokens of its samples.

    The prompt is computed and paid once for as many samples as the engine takes in one request, else with each sample.
    Each sample's last token is never fed back, so it costs no pass of its own.
    """
    shared = profile.abilities.n and len(usages) > 1
    requests = math.ceil(len(usages) / (profile.together or len(usages)))
    prompts = [max(usages, key=lambda usage: usage.prompt)] * requests if shared else usages
    prompt, cached = sum(usage.prompt for usage in prompts), sum(usage.cached for usage in prompts)
    generated = sum(usage.generated for usage in usages)
    return Meter(
        len(usages), prompt, cached, generated, sum(usage.reasoning for usage in usages),
        _flops(profile.shape, prompts, usages), _cache_bytes(profile, usages),
        _money(profile, prompt, cached, generated),
        estimated=usages[0].estimated.union(*(usage.estimated for usage in usages[1:])),
    )  # fmt: skip


def _flops(shape: Shape | None, prompts: Sequence[Usage], usages: Sequence[Usage]) -> float | None:
    if shape is None:
        return None
    prefills = sum(_pass_flops(shape, usage.prompt - usage.cached, usage.cached, 1) for usage in prompts)
    return prefills + sum(_pass_flops(shape, max(0, u.generated - 1), u.prompt, None) for u in usages)


@lru_cache(maxsize=4096)
def _pass_flops(shape: Shape, tokens: int, cached: int, logits: int | None) -> float:
    return forward_flops(shape, tokens, cached, logits=logits).total


def _cache_bytes(profile: Profile, usages: Sequence[Usage]) -> float | None:
    if profile.shape is None:
        return None
    return sum(_entries_read(profile.shape, u.prompt, u.generated) for u in usages) * profile.cache_bytes


@lru_cache(maxsize=4096)
def _entries_read(shape: Shape, prompt: int, generated: int) -> float:
    """Cache entries that the steps behind a prompt read: the cache grows evenly up to a window, and evenly beyond."""
    last = prompt + max(0, generated - 1)
    knot = last if shape.window is None else min(max(prompt, shape.window), last)
    return _evenly(shape, prompt, knot) + _evenly(shape, knot, last)


def _evenly(shape: Shape, before: int, last: int) -> float:
    steps = last - before
    return steps * (cache_entries(shape, before + 1) + cache_entries(shape, last)) / 2 if steps > 0 else 0.0


def _money(profile: Profile, prompt: int, cached: int, generated: int) -> float | None:
    if profile.price is None:
        return None
    return profile.price.of_tokens(prompt=prompt - cached, cached=cached, generated=generated)
