"""Reward-balanced search: every beginning is gone on from, the better ones in more ways."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._balance import BALANCE, balanced
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE
from allometry.inference.strategies._steps import NEEDS, START, Path, Plan, Walk, in_rounds, search
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy(needs=NEEDS)
async def rebase(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    samples: int | None = None,
    balance: float = BALANCE,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """N paths at every step, shared out among the beginnings so far by a softmax of their grades.

    Use it in place of `beam` where grades are finer than right or wrong: none is dropped by a hair, and one that
    stands out takes nearly all. Not where they are 0 or 1: it is then a beam without a bound on how alike its paths are.
    Arguments: `verifier` grades beginnings as well as whole answers; `samples` is N, by default as many as the budget
    holds whole answers, and what is left is searched again; `balance` is the temperature of the softmax: towards 0
    only the best goes on, at large values all alike. A step ends at `stop`; `tokens` bounds a whole answer. An answer
    that ends makes the search narrower by one.
    Source: Wu et al. 2024, arXiv 2408.00724 (rule seen in the code of arXiv 2502.13575).
    """
    positive(samples=samples, balance=balance)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)

    def spread(groups: Sequence[Sequence[Path]], width: int) -> Plan:
        paths = sorted((path for group in groups for path in group), key=lambda path: -path.grade)
        return [*zip(paths, balanced([path.grade for path in paths], width, balance), strict=True)]

    async def find(count: int) -> list[Path]:
        return await search(walk, [(START, count)], count, spread)

    return await in_rounds(walk, samples, find)
