"""Particle Gibbs: particle filters one after another, each holding one particle to an answer of the one before."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE
from allometry.inference.strategies._particles import by_grade, by_odds, filter_particles
from allometry.inference.strategies._steps import NEEDS, Path, Walk, in_rounds
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy(needs=NEEDS)
async def particle_gibbs(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    samples: int | None = None,
    iterations: int = 3,
    odds: bool = False,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """K filters of N/K particles; of each one answer is picked by its weight, and goes through the next one unharmed.

    Use it in place of `particle_filter` where few particles fit at the same time, or where a filter loses good answers
    early: what was found is not lost again, and the answers still follow the same posterior. Not where latency
    matters: filters wait for each other.
    Arguments: `samples` is N, by default as many as the budget holds whole answers; `iterations` is K; others are
    those of `particle_filter`. The answer is the one graded highest in all.
    Source: Puri et al. 2025, arXiv 2502.01618; Andrieu, Doucet and Holenstein 2010 (conditional filter, recalled).
    """
    positive(samples=samples, iterations=iterations)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)

    async def find(count: int) -> list[Path]:
        found: dict[Path, None] = {}
        reference = None
        # a held particle alone would move nothing
        each = max(2, count // iterations) if count else 0
        for _ in range(iterations if count else 0):
            filtered = await filter_particles(walk, each, by_odds if odds else by_grade, reference)
            found |= dict.fromkeys(path for path in filtered.paths if path.steps)
            reference = filtered.pick(engine) if filtered.whole else None
            if reference is None:
                break
        return [*found]

    return await in_rounds(walk, samples, find)
