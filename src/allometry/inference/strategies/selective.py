"""Selective thinking: a problem in steps, of which those judged hard are thought about and the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

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
    unfinished,
)
from allometry.inference.strategies._checks import shares
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one, whole
from allometry.inference.strategies._prompts import behind, numbered, share
from allometry.inference.strategies.arguments import Natural, Positive, Temperature
from allometry.inference.strategies.no_thinking import FINISHED
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import tally

PLAN = (
    "\n\nDivide this into at most {most} steps that are done one after another, the last of which gives the answer. One "
    "a line, numbered, and nothing else.\n"
)
DIFFICULTY = "\n\nHow hard is this last step, from 0 (routine) to 1 (hard)? A number alone:\n"
SCORE_TOKENS = 8


def _needs(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return ("continuation",) if arguments["routine"] or arguments["thinking"] else ()


@strategy(needs=_needs)
async def selective(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    threshold: float = 0.5,
    outlines: Natural = 3,
    steps: Positive = 8,
    routine: str = FINISHED,
    thinking: str = "",
    routine_tokens: Positive | None = None,
    tokens: Positive | None = None,
    plan: str = PLAN,
    step: str = STEP,
    difficulty: str = DIFFICULTY,
    plan_tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """Steps done one after another, each with thinking where its difficulty is above the threshold, else without.

    Use it on models that think before they answer, where a problem has routine steps and hard ones and the model can
    tell them apart. Not where it cannot: a difficulty that says nothing buys the mean of both modes. With `outlines=0`
    the whole problem is one step: a switch between short and long answers.
    Arguments: of `outlines` drawn, the one that most agree on is taken, and where no two are alike the first with the
    most common number of steps, at most `steps`; they have `plan_tokens`, by default as many as an answer. A step begins
    with `routine` (the thinking filled in) or with `thinking`, and has `routine_tokens` or `tokens`. A difficulty that
    cannot be read counts as hard. `plan`, `step` and `difficulty` are put behind the prompt. Without an outline that can
    be read it gives a plain answer.
    Source: SCALE, arXiv 2512.00466 (outline, difficulty, modes); the switch: EconProver, arXiv 2509.12603 (there it is
    trained). Which outlines agree, and the words of the prompts, are our own.
    """
    shares(threshold=threshold)
    plain = ask(problem, tokens, temperature=temperature)
    asked = plan_request(plain, plan, steps, plan_tokens)
    scoring = replace(plain, prompt=behind(problem.prompt, difficulty), max_tokens=SCORE_TOKENS, temperature=0.0)
    count = room_for_plans(engine, asked if outlines else scoring, plain, outlines or 1)
    if not count:
        return await plain_answer(engine, plain, UNPLANNED)
    drawn = await whole(engine, replace(asked, n=count)) if outlines else []
    chosen = agreed([numbered(response.content, steps) for response in drawn]) if outlines else [""]
    used = drawn[0] if drawn else None
    if not chosen:
        return await plain_answer(engine, plain, UNREAD, used)
    if not engine.fits([scoring, replace(plain, max_tokens=1)] * len(chosen)):
        return await plain_answer(engine, plain, UNFIT, used)
    template, unread = step if outlines else "", 0
    short = routine_tokens or plain.max_tokens

    async def pose(i: int, request: Request) -> Request:
        nonlocal unread, used
        said = await one(engine, replace(scoring, prompt=behind(request.prompt, difficulty)))
        hard = None if said is None else share(said.content)
        unread, used = unread + (hard is None), said or used
        easy, behind_it = hard is not None and hard <= threshold, len(chosen) - 1 - i
        left = budget.left()
        most = max(left - behind_it * (SCORE_TOKENS + short), left / (behind_it + 1))
        bound = min(short if easy else plain.max_tokens, max(1, most))
        return replace(request, prefix=routine if easy else thinking, max_tokens=int(bound))

    response = await in_order(problem, engine, chosen, template, temperature, pose) or unfinished(used)
    why = f"{unread} of {len(chosen)} difficulties could not be read and counted as hard" if unread else ""
    return Answer(response, int(response is not None), why=why)


def agreed(outlines: Sequence[Sequence[str]]) -> list[str]:
    """The outline that most agree on, word for word; where no two do, the first with the most common number of steps.

    >>> agreed([["halve", "add"], ["add"], ["Halve", "add "]])
    ['halve', 'add']
    """
    read = [outline for outline in outlines if outline]
    found = tally([tuple(" ".join(step.lower().split()) for step in outline) for outline in read], [1.0] * len(read))
    if found.weights and found.weights[0] == 1:
        found = tally([len(outline) for outline in read], [1.0] * len(read))
    return [] if found.winner is None else list(read[found.winner])
