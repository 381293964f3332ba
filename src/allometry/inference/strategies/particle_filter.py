"""Particle filter: many answers written step by step at the same time, and good beginnings drawn anew in place of bad."""

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
async def particle_filter(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    samples: int | None = None,
    odds: bool = False,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """N particles: each takes a step, and N are drawn anew by what the verifier says of them, until all have ended.

    Use it in place of `beam` where the verifier errs: a beginning is kept in proportion to its grade and not at all
    costs, so the answers follow the model's own odds, times the grades of all their steps. Not where the verifier is
    exact: `beam` wastes no step on what is known to be wrong. Where all grades of a step are 0 it has nothing to go
    on from.
    Arguments: `verifier` grades beginnings as well as whole answers; `samples` is N, by default as many as the budget
    holds whole answers, and what is left is filtered again; with `odds` particles are weighed by r/(1-r) of a grade r,
    as the authors' code does, else by r, as their model says. A step ends at `stop`; `tokens` bounds a whole answer.
    The answer is the one graded highest.
    Source: Puri et al. 2025, arXiv 2502.01618 (model, resampling at every step).
    """
    positive(samples=samples)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)

    async def find(count: int) -> list[Path]:
        if not count:
            return []
        found = await filter_particles(walk, count, by_odds if odds else by_grade)
        return [*dict.fromkeys(path for path in found.paths if path.steps)]

    return await in_rounds(walk, samples, find)
