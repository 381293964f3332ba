"""Backtracking search: one step after another, and back where a step is refused."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._checks import positive, shares
from allometry.inference.strategies._drawing import TEMPERATURE
from allometry.inference.strategies._steps import NEEDS, START, Path, Walk, best
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy(needs=NEEDS)
async def backtracking(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    branch: int = 3,
    threshold: float = 0.5,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """Depth first: draw a step, go on from it where the verifier accepts it, else draw another, up to M from each place.

    Use it where a check of every step is right, or nearly: it costs little where steps tend to be right, and goes on
    until an answer is accepted or the budget is spent, so it finds what there is to be found. Not where latency
    matters, as it draws one step at a time, nor where wrong steps are accepted: what they lead to is searched to its
    end, and an accepted answer ends the search.
    Arguments: `verifier` grades beginnings as well as whole answers, and accepts from `threshold` on; `branch` is M.
    When all places had their M steps and a budget is left, it begins anew with twice as many. A step ends at `stop`;
    `tokens` bounds a whole answer.
    Source: depth-first search of Yao et al. 2023, arXiv 2305.10601, algorithm 2 (recalled).
    """
    positive(branch=branch)
    shares(threshold=threshold)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)
    refused: list[Path] = []
    while True:
        begun = engine.now()
        places = [(START, branch)]
        while places:
            path, tries = places.pop()
            grown = [child for group in await walk.grow([(path, 1)]) for child in group]
            if not grown:
                return best([*refused, *(p for p, _ in [*places, (path, 0)] if p is not START)])
            if tries > 1:
                places.append((path, tries - 1))
            child = grown[0]
            if child.grade < threshold or not walk.open(child):
                refused.append(child)
            else:
                places.append((child, branch))
            if child.ended and child.grade >= threshold:
                return best([*refused, child])
        if walk.endless(begun):
            return best(refused)
        branch *= 2
