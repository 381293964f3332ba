"""Greedy decoding: one answer at temperature 0."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._drawing import ask, one
from allometry.inference.strategies.arguments import Positive
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem


@strategy()
async def greedy(problem: Problem, engine: Scope, budget: Allowance, *, tokens: Positive | None = None) -> Answer:
    """One answer at temperature 0.

    Use it as the base that every other strategy has to beat. `tokens` bounds the answer; by default as the problem
    says.
    """
    return Answer(await one(engine, ask(problem, tokens, temperature=0.0)))
