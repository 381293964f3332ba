"""Minimum Bayes risk: the sample that is most like all the others."""

from __future__ import annotations

from dataclasses import replace

from allometry.inference.calls import NOTHING, Allowance, Meter, Request, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, WAVE, ask, draw
from allometry.inference.strategies._pairs import Compare, alike, comparing
from allometry.inference.strategies._prompts import behind
from allometry.inference.strategies.arguments import Natural, Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import chrf

INSTRUCTION = "\n\nAnswer in English."


@strategy(rule="minimum Bayes risk")
async def mbr(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    utility: Compare = chrf,
    samples: Positive | None = None,
    hedge: bool = False,
    evidence: Natural = 0,
    instruction: str = INSTRUCTION,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """As many samples as the budget holds, and the one with the highest mean utility against all of them.

    Use it where answers are texts that no reader can compare: translations, summaries, open questions. Where answers
    can be read out, `self_consistency` is the same as `utility=same_answer` and takes no square of comparisons. What
    most samples say is not what is right: where samples share a fault, so does the answer. chrF leans to longer texts.
    Arguments: `utility` is `chrf` (of characters), `same_answer`, a function (problem, answer, evidence) or a grader
    that is shown two texts, N * (N + M) times. `hedge` makes the first sample greedy, so that a high temperature costs
    no more than the others. `evidence` is M: samples with `instruction` behind the prompt, such as for another language,
    that are compared with and cannot be chosen. Cut-off samples are neither, where any ended.
    Source: Eikema and Aziz 2020, arXiv 2005.10283 (recalled); hedging and evidence in another language from arXiv
    2506.20544. Provisional: of the last only an abstract and notes were seen.
    """
    request = ask(problem, tokens, temperature=temperature)
    takes = comparing(utility, problem, request, engine)
    asked = replace(request, prompt=behind(problem.prompt, instruction))
    beside = (
        await draw(engine, asked, evidence) if evidence and engine.fits([request, replace(asked, n=evidence)]) else []
    )
    found = await _candidates(engine, request, samples, hedge, takes, len(beside))
    candidates = [one for one in found if not one.truncated] or found[:1]
    held = [*candidates, *(one for one in beside if not one.truncated)]
    if not candidates:
        return Answer(None, 0)
    pairs = [(one, other) for one in candidates for other in held]
    utilities = await alike(engine, problem, utility, pairs, takes)
    sums = [sum(utilities[i : i + len(held)]) for i in range(0, len(pairs), len(held))]
    return Answer(candidates[max(range(len(sums)), key=sums.__getitem__)], len(found))


async def _candidates(
    engine: Scope, request: Request, samples: int | None, hedge: bool, takes: Meter, evidence: int
) -> list[Response]:
    """What can be chosen; where pairs are graded, no more than the budget holds together with all of their pairs."""
    if takes is not NOTHING:
        samples = max(1, _room(engine, request, samples or WAVE, takes, evidence))
    cold = await draw(engine, replace(request, temperature=0.0), 1) if hedge else []
    rest = None if samples is None else samples - len(cold)
    return cold + (await draw(engine, request, rest) if rest is None or rest > 0 else [])


def _room(engine: Scope, request: Request, most: int, takes: Meter, evidence: int) -> int:
    """How many samples the budget holds with the grading of all their pairs."""
    fits = (n for n in range(most, 0, -1) if engine.fits([replace(request, n=n)], beside=takes * (n * (n + evidence))))
    return next(fits, 0)
