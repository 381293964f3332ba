"""Requests of a problem, and drawing as many samples of one as a budget is sure to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from allometry.inference.calls import NOTHING, Meter, Request, Response, Scope
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

# Where nothing bounds the samples of one wave (a budget in seconds), so many are drawn at a time: assumed.
WAVE = 16
TEMPERATURE = 0.8
"""At which samples are drawn when no other is asked for: assumed, as most published comparisons take 0.6 to 1."""


def ask(problem: Problem, tokens: int | None, **settings: Any) -> Request:
    """The request for one answer to a problem, of so many tokens at most (by default what the problem says)."""
    return Request(problem.prompt, max_tokens=tokens or problem.sample_tokens, tools=problem.tools, **settings)


async def whole(engine: Scope, request: Request) -> list[Response]:
    """Samples with the prefix they go on from: what is read, graded and voted on is the whole answer."""
    found = await engine.sample(request)
    return [replace(one, content=request.prefix + one.content) for one in found] if request.prefix else found


async def one(engine: Scope, request: Request) -> Response | None:
    """One whole sample, shortened to what the budget holds; None where it holds nothing."""
    tokens = engine.longest(request)
    return (await whole(engine, replace(request, max_tokens=tokens)))[0] if tokens else None


def grading(grader: object, problem: Problem, request: Request, engine: Scope) -> Meter:
    """What grading one sample of a request may take; nothing where no grader is asked, or one that asks nobody."""
    if not isinstance(grader, Grader) or grader.takes is None:
        return NOTHING
    return grader.takes(problem, request, engine)


def wave(
    engine: Scope, request: Request, most: int | None, *, apart: bool = False, beside: Meter = NOTHING, held: int = 0
) -> int:
    """How many samples can be drawn at the same time, up to a bound; `apart` where each is to be a call of its own.

    `beside` is set aside for each, and for those that are `held`.
    """
    fits = engine.affordable(request, apart=apart, beside=beside, held=held)
    if fits is None:
        return WAVE if most is None else most
    return fits if most is None else min(fits, most)


async def draw(engine: Scope, request: Request, samples: int | None, beside: Meter = NOTHING) -> list[Response]:
    """Whole samples of a request until the budget holds no more, or so many are drawn.

    What short answers leave is drawn again in a further wave. Where not even one whole answer fits, one that may be
    cut off is drawn. Where nothing bounds them, there is one wave. `beside` is left for each of them, where there are
    two or more: for grading them.
    """
    found: list[Response] = []
    if samples is None and not engine.bounded:
        samples = WAVE
    while count := wave(engine, request, _left(samples, found), beside=beside, held=len(found)):
        begun, bound = engine.now(), engine.affordable(request)
        found += await whole(engine, replace(request, n=count))
        if samples is None and bound is None and engine.now() == begun:
            break  # only time bounds it, and none passes
    if found:
        return found
    single = await one(engine, request)
    return [] if single is None else [single]


def _left(samples: int | None, found: Sequence[Response]) -> int | None:
    return None if samples is None else samples - len(found)
