"""Efficient tree search: reward-balanced search on beginnings that share their steps, so that less cache is held."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._balance import BALANCE, balanced
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE
from allometry.inference.strategies._pruning import check_weights, keep
from allometry.inference.strategies._steps import NEEDS, START, Path, Plan, Walk, in_rounds, search
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy(needs=NEEDS)
async def ets(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    samples: int | None = None,
    shared: float = 1.0,
    variety: float = 1.5,
    balance: float = BALANCE,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """`rebase`, but at every step an integer programme drops beginnings that share little with those that are kept.

    Use it where the memory of a server's cache bounds how wide a search can be: it keeps grades and variety with fewer
    distinct steps in the cache. Not elsewhere: at the same number of tokens it has no more to choose from than `rebase`.
    Arguments: those of `rebase`; `shared` weighs the share of all steps that is kept, `variety` the share of different
    newest steps. The published weights are 1 and, at width 16, 1.5.
    Source: Hooper et al. 2025, arXiv 2502.13575, and the authors' code. Provisional in one point: steps are of one kind
    where their text is the same; the authors cluster embeddings.
    """
    positive(samples=samples, balance=balance)
    check_weights(shared, variety)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)

    def spread(groups: Sequence[Sequence[Path]], width: int) -> Plan:
        paths = sorted((path for group in groups for path in group), key=lambda path: -path.grade)
        if not paths:
            return ()
        counts = balanced([path.grade for path in paths], width, balance)
        kept = [paths[i] for i in keep(paths, [count / width for count in counts], shared, variety)]
        return [*zip(kept, balanced([path.grade for path in kept], width, balance), strict=True)]

    async def find(count: int) -> list[Path]:
        return await search(walk, [(START, count)], count, spread)

    return await in_rounds(walk, samples, find)
