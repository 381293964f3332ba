"""Diverse verifier tree search: many narrow searches beside each other, each keeping its best step alone."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE
from allometry.inference.strategies._steps import NEEDS, START, Path, Plan, Walk, in_rounds, search
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy(needs=NEEDS)
async def dvts(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    samples: int | None = None,
    branch: int = 4,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """N/M trees that do not see each other; each draws M next steps and goes on from the one graded highest.

    Use it in place of `beam` where the budget is large or the verifier errs: no single beginning can take all places.
    Not where the budget is small: each tree is a greedy search, and one wrong choice ends it.
    Arguments are those of `beam`.
    Source: Beeching et al. 2024, "Scaling test-time compute with open models" (Hugging Face, seen in a translation).
    """
    positive(samples=samples, branch=branch)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)

    def spread(groups: Sequence[Sequence[Path]], width: int) -> Plan:
        kept = [max(group, key=lambda path: path.grade) for group in groups if group]
        return [(path, branch) for path in sorted(kept, key=lambda path: -path.grade)]

    async def find(count: int) -> list[Path]:
        trees, each = max(1, count // branch), min(branch, count)
        return await search(walk, [(START, each)] * trees, trees * each, spread)

    return await in_rounds(walk, samples, find)
