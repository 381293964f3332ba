"""No thinking, in parallel: the phase of thinking is filled in, and many short answers vote or are graded."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, draw, grading
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.self_consistency import Weight, elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote

FINISHED = "<think>\nOkay, I think I have finished thinking.\n</think>\n\n"


@strategy(needs=("continuation",), rule="majority")
async def no_thinking(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    thought: str = FINISHED,
    samples: Positive | None = None,
    vote: Vote | None = None,
    weight: Weight | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """As many answers without thinking as the budget holds, and the one with most votes.

    Use it on models that think before they answer, where latency matters: each answer is short, and all are drawn at
    the same time. Arguments are those of `self_consistency`; `thought` is what stands where the thinking would be.
    Source: Ma et al. 2025, arXiv 2504.09858.
    """
    request = ask(problem, tokens, temperature=temperature, prefix=thought)
    found = await draw(engine, request, samples, grading(weight, problem, request, engine))
    return await elect(problem, engine, found, vote, weight)
