"""Plan and budget: a problem is divided into sub-questions, and the tokens over them by how uncertain each is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from allometry.inference.calls import Allowance, Request, Scope
from allometry.inference.strategies._chain import (
    STEP,
    UNFIT,
    UNPLANNED,
    UNREAD,
    in_order,
    plain_answer,
    plan_request,
    room_for_plans,
    step_request,
    unfinished,
)
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one
from allometry.inference.strategies._prompts import numbered
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.notices import Refused

PLAN = (
    "\n\nDivide this into at most {most} sub-questions that are answered one after another, the last of which is what is "
    "asked. One a line, numbered, with its difficulty from 1 to 5 in brackets, such as '1. [2] What is ...?'\n"
)
BEST = "best"
# The level of a sub-question of which none could be read: the middle one.
LEVEL = 3
_LEVEL = re.compile(r"\[([1-5])\]\s{0,8}(\S.*)")


@strategy()
async def plan_and_budget(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    schedule: str = "polynomial",
    ease: float = 1.0,
    steps: Positive = 6,
    plan: str = PLAN,
    step: str = STEP,
    plan_tokens: Positive | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """Sub-questions answered one after another, each with its share of the tokens; the last is the answer.

    Use it where a problem falls into parts of unlike difficulty and tokens are short. Not where an answer has one part:
    the plan costs tokens, and nothing is left to divide.
    Arguments: shares follow a `schedule` over the positions (uniform, linear, polynomial, exponential, cosine), times the
    level from 1 to 5 that the plan gives; or they are the `best` for an uncertainty of level / tokens**`ease`. What a
    sub-question leaves goes to all behind it. `tokens` are to be divided, by default all that the budget holds, and where
    it has no limit in tokens those of a whole answer; no sub-question has more than such an answer. `plan` is put behind
    the prompt ({most} is `steps`), then `step` with {done}, {number}, {count} and {step}; the plan has `plan_tokens`, by
    default as many as an answer. Without one that can be read it gives a plain answer.
    Errors: `Refused` for a schedule that there is not.
    Source: Lin et al. 2025, arXiv 2505.16122 (decomposition, schedules, the condition of Karush, Kuhn and Tucker).
    """
    positive(ease=ease)
    divide([1], 1, schedule, ease)
    plain = ask(problem, tokens, temperature=temperature)
    asked = plan_request(plain, plan, steps, plan_tokens)
    if not room_for_plans(engine, asked, plain, 1):
        return await plain_answer(engine, plain, UNPLANNED)
    planned = await one(engine, asked)
    levels, questions = read_plan("" if planned is None else planned.content, steps)
    if len(questions) < 2:
        return await plain_answer(engine, plain, UNREAD, planned)
    total = plain.max_tokens if math.isinf(budget.left()) else int(min(budget.left(), tokens or budget.left()))
    shares = divide([LEVEL if level is None else level for level in levels], total, schedule, ease)
    if min(shares) < 1 or not engine.fits(_first(problem, questions, shares, step, plain)):
        return await plain_answer(engine, plain, UNFIT, planned)
    begun = budget.spent.generated_tokens

    async def pose(i: int, request: Request) -> Request:
        rest = total - (budget.spent.generated_tokens - begun)
        return replace(request, max_tokens=max(1, min(plain.max_tokens, rest * shares[i] // sum(shares[i:]))))

    response = await in_order(problem, engine, questions, step, temperature, pose) or unfinished(planned)
    unread = levels.count(None)
    why = f"{unread} of {len(levels)} levels could not be read and counted as the middle one" if unread else ""
    return Answer(response, int(response is not None), why=why)


def _first(
    problem: Problem, questions: Sequence[str], tokens: Sequence[int], step: str, plain: Request
) -> list[Request]:
    """The requests of all sub-questions as far as they are known before any is answered."""
    asked = [step_request(problem, questions, [""] * i, step, plain.temperature) for i in range(len(questions))]
    return [replace(one, max_tokens=min(plain.max_tokens, n)) for one, n in zip(asked, tokens, strict=True)]


def divide(levels: Sequence[int], total: int, schedule: str, ease: float = 1.0) -> list[int]:
    """Whole tokens of each sub-question, which sum to the total: by a schedule times its level, or the `best` division.

    That leaves the least uncertainty where each has level / tokens**ease.
    Errors: `Refused` for a schedule that there is not.

    >>> divide([1, 4], 90, "best"), divide([1, 4], 90, "uniform"), divide([1, 1], 90, "polynomial")
    ([30, 60], [18, 72], [72, 18])
    """
    # the closed forms need numpy and scipy: loaded where they are used
    from allometry.plans.questions.split import SCHEDULES, best_shares, scheduled, whole

    if schedule not in (BEST, *SCHEDULES):
        known = ", ".join((BEST, *SCHEDULES))
        raise Refused("unknown-schedule", f"no schedule is called {schedule!r}", "plan_and_budget", f"use {known}")
    if schedule == BEST:
        return [int(n) for n in whole(best_shares(levels, [ease] * len(levels), total) / total, total)]
    return [int(n) for n in scheduled(total, schedule, levels)]


def read_plan(text: str, most: int) -> tuple[list[int | None], list[str]]:
    """Levels and sub-questions of a plan: a numbered list, each with its level in brackets; None where there is none.

    >>> read_plan("1. [2] How long is it?\\n2. How wide?", 6)
    ([2, None], ['How long is it?', 'How wide?'])
    """
    items = numbered(text, most)
    read = [_LEVEL.fullmatch(item) for item in items]
    levels = [None if found is None else int(found[1]) for found in read]
    return levels, [item if found is None else found[2] for item, found in zip(items, read, strict=True)]
