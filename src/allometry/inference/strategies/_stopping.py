"""Drawing votes until it is clear which answer is the most common one, and how clear that is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from allometry.inference.calls import Request, Response, Scope
from allometry.inference.strategies._drawing import one, wave, whole
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote

MOST = 40
"""Where no budget bounds them, so many samples are drawn at most: as in the settings of arXiv 2305.11860."""


def certainty(first: int, second: int) -> float:
    """The chance that an answer with so many votes is more common than one with so many, each share as likely beforehand.

    That is P(Beta(first+1, second+1) > 1/2), for whole numbers a binomial's.

    >>> certainty(4, 0), certainty(2, 2)
    (0.96875, 0.5)
    """
    total = first + second + 1
    return sum(math.comb(total, k) for k in range(first + 1)) / 2**total


def evenness(first: int, second: int) -> float:
    """The posterior density, over the prior's, of two answers being equally common, 1 at most.

    However often one looks, it falls to d or below with a chance of d at most where they are equally common.

    >>> evenness(4, 0)
    0.3125
    """
    votes = first + second
    return min(1.0, (votes + 1) * math.comb(votes, first) / 2**votes)


async def draw_until(
    problem: Problem,
    engine: Scope,
    request: Request,
    clear: Callable[[int, int, int], bool],
    *,
    most: int | None,
    at_once: int,
    vote: Vote | None,
) -> list[Response]:
    """Samples, so many at a time, until `clear(votes of the first answer, of the second, samples)` or the budget ends.

    Those that do not vote do not count as votes. `most` bounds the samples, where nothing does they are `MOST`. Where not even one fits, one that is cut off.
    """
    found: list[Response] = []
    if most is None and engine.affordable(request) is None:
        most = MOST
    while count := wave(engine, request, at_once if most is None else min(at_once, most - len(found))):
        found += await whole(engine, replace(request, n=count))
        read = (vote(r) if vote is not None else problem.read(r.content) for r in found)
        counts = [n for _, n in Counter(v for v in read if v is not None).most_common(2)]
        if counts and clear(counts[0], counts[1] if len(counts) > 1 else 0, len(found)):
            break
    if not found and (single := await one(engine, request)) is not None:
        found.append(single)
    return found
