"""A problem divided into steps that are answered one after another, each with the results of those before in view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from allometry.inference.calls import Request, Response, Scope
from allometry.inference.strategies._drawing import ask, one
from allometry.inference.strategies._prompts import behind, filled
from allometry.inference.strategies.strategy import Answer
from allometry.inference.tasks import Problem

STEP = "\n\n{done}Step {number} of {count}: {step}\nIts result:\n"
DONE = "Step {number}: {step}\nIts result: {result}\n"
UNPLANNED = "the budget holds no plan and a whole answer"
UNFIT = "the budget holds no answer to every step"
UNREAD = "no steps could be read"
Pose: TypeAlias = Callable[[int, Request], Awaitable[Request]]
"""From the number of a step, and a request with its prompt: the request that is to answer it."""


def plan_request(plain: Request, template: str, most: int, tokens: int | None) -> Request:
    """What asks for a plan, behind the prompt of a plain answer; by default it may be as long as that."""
    return replace(
        plain, prompt=behind(plain.prompt, filled(template, most=str(most))), max_tokens=tokens or plain.max_tokens
    )


def step_request(
    problem: Problem, steps: Sequence[str], results: Sequence[str], template: str, temperature: float
) -> Request:
    """What asks for the next step behind the results that are there."""
    done = "".join(
        filled(DONE, number=str(i), step=step, result=result)
        for i, (step, result) in enumerate(zip(steps, results, strict=False), 1)
    )
    at = len(results)
    said = filled(template, done=done, number=str(at + 1), count=str(len(steps)), step=steps[at])
    return replace(ask(problem, None, temperature=temperature), prompt=behind(problem.prompt, said))


async def in_order(
    problem: Problem, engine: Scope, steps: Sequence[str], template: str, temperature: float, pose: Pose
) -> Response | None:
    """The answer to the last step, or what there is of one; None where not even the first could be asked for."""
    results: list[str] = []
    last: Response | None = None
    for i in range(len(steps)):
        request = await pose(i, step_request(problem, steps, results, template, temperature))
        found = await one(engine, request)
        if found is None:
            return unfinished(last)
        results.append(found.content[len(request.prefix) :].strip())
        last = found
    return last


def unfinished(used: Response | None) -> Response | None:
    """An answer that was not come to, after something else was written: cut off, not wrong, and without a text."""
    return None if used is None else replace(used, content="", finish="length")


def room_for_plans(engine: Scope, plan: Request, plain: Request, most: int) -> int:
    """How many plans the budget is sure to hold beside a whole plain answer, up to a bound."""
    return next((n for n in range(most, 0, -1) if engine.fits([replace(plan, n=n), plain])), 0)


async def plain_answer(engine: Scope, plain: Request, why: str, used: Response | None = None) -> Answer:
    """One answer without steps, and why it is that; where there is none, what was `used` before is cut off."""
    found = await one(engine, plain) or unfinished(used)
    return Answer(found, int(found is not None), why=why)
