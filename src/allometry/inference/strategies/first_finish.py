"""First finish: many samples at the same time, of which those that end first are taken and the others stopped."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Request, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one, wave
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote


@strategy(rule="first to finish")
async def first_finish(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    samples: Positive | None = None,
    count: Positive = 1,
    vote: Vote | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """As many samples as the budget holds, at the same time; the first to finish is the answer.

    Use it where right answers tend to be shorter than wrong ones, and where latency matters. It hurts where wrong
    answers have the longer left tail: short ones are then more often wrong the more are drawn.
    Arguments: with `count` above 1, so many that finish first vote (by `vote`). `samples` bounds N, `tokens` each.
    Source: Agarwal et al. 2025, arXiv 2505.18149.
    """
    request = ask(problem, tokens, temperature=temperature)
    wanted = wave(engine, request, samples, apart=True)
    if not wanted:
        return Answer(await one(engine, request))
    found = await engine.first(count, _draw_one, [request] * wanted)
    return await elect(problem, engine, found, vote, None)


async def _draw_one(engine: Scope, request: Request) -> Response:
    return (await engine.sample(request))[0]
