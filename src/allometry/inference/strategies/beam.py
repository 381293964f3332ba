"""Beam search over steps: the best beginnings are kept, and each is gone on from in several ways."""

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
async def beam(
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
    """Draw N first steps, keep the N/M that the verifier grades highest, draw M next steps of each, and so on.

    Use it where a check of every step tells right beginnings from wrong ones: wrong steps are left before they cost a
    whole answer. Not where the verifier is weak or only sees that a step is allowed: kept beginnings are alike, and
    search then finds what fools it. Where little is kept, `dvts` keeps more that differs.
    Arguments: `verifier` grades beginnings as well as whole answers; `samples` is N, by default as many as the budget
    holds whole answers, and what is left is searched again; `branch` is M; a step ends at `stop`; `tokens` bounds a
    whole answer. An answer that ends leaves the beam, which is then narrower by one step.
    Source: Snell et al. 2024, arXiv 2408.03314, section 5.2 (seen in a summary).
    """
    positive(samples=samples, branch=branch)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)

    def spread(groups: Sequence[Sequence[Path]], width: int) -> Plan:
        ranked = sorted((path for group in groups for path in group), key=lambda path: -path.grade)
        return [(path, min(branch, width)) for path in ranked[: max(1, width // branch)]]

    async def find(count: int) -> list[Path]:
        return await search(walk, [(START, count)], count, spread)

    return await in_rounds(walk, samples, find)
