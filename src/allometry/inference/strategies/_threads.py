"""A text that forks: it is written up to a mark, others are written beside each other, and it goes on behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from allometry.inference.calls import Request, Response, Scope
from allometry.inference.strategies._drawing import one

NEEDS = ("continuation", "stop", "stop_reason")
"""What an engine must be able to do: stop at a mark, say that it did, and go on from what was put behind it."""
Fork: TypeAlias = Callable[[str, Request], Awaitable[str]]
"""From what was written up to the mark, and the request that is to go on: what stands behind the mark."""

Write: TypeAlias = Callable[[Scope, Request], Coroutine[Any, Any, Response | None]]


def alike(engine: Scope, requests: Sequence[Request], then: Request) -> int:
    """The most tokens that each sample of some requests may have, run at the same time, for the budget to hold them.

    A further request that reads all of them, with as many tokens (at most its own), is to fit as well; 0 for none.
    """

    def fits(tokens: int) -> bool:
        last = engine.worst(_cut(then, tokens), more=tokens * sum(request.n for request in requests))
        return engine.fits([_cut(request, tokens) for request in requests], beside=last)

    low, high = 0, max(request.max_tokens for request in requests)
    if fits(high):
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


async def beside(engine: Scope, requests: Sequence[Request], then: Request, write: Write = one) -> list[Response]:
    """A whole sample of each request, at the same time, each as long as the others may be; without those not drawn.

    `write` draws one. None are drawn where the budget does not hold all of them and what reads them.
    """
    tokens = alike(engine, requests, then)
    found = await engine.map(write, [_cut(request, tokens) for request in requests] if tokens else [])
    return [response for response in found if response is not None]


async def write_with_forks(engine: Scope, asked: Request, mark: str, forks: int, fork: Fork) -> Response | None:
    """A whole text that forks at a mark, at most so many times; None where the budget holds none of it.

    The tokens of the request bound what it writes itself. A text that could not be ended counts as cut off.
    """
    text, left, last = asked.prefix, asked.max_tokens, None
    for turn in range(forks + 1):
        stop = (mark,) if turn < forks else ()
        found = await one(engine, replace(asked, prefix=text, max_tokens=left, stop=stop)) if left > 0 else None
        if found is None or found.stopped_by is None:
            return found or last
        left -= found.usage.generated
        rest = replace(asked, prefix=found.content + mark, max_tokens=max(1, left))
        text = rest.prefix + await fork(found.content[len(text) :], rest)
        last = replace(found, content=text, finish="length")
    return last


def _cut(request: Request, tokens: int) -> Request:
    return replace(request, max_tokens=min(request.max_tokens, tokens))
