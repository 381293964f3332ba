"""A*-decoding: the most promising beginning of all is gone on from next, wherever it stands."""

from __future__ import annotations

import heapq

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE
from allometry.inference.strategies._steps import NEEDS, START, Path, Walk, best
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy(needs=NEEDS)
async def a_star(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    verifier: Grader,
    branch: int = 3,
    answers: int = 1,
    stop: str = "\n",
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """Go on in M ways from the beginning of least cost so far plus cost to come, until an answer is the least.

    The cost to come is h = 1 - grade; the cost so far adds up the steps at which h rose.
    Use it where tokens matter more than latency and the verifier's grades are calibrated: little is spent beside the
    best line, and it returns to another as soon as that looks better. Not where grades are all 0 or 1, nor on engines
    that are fast only for many at once: one place is gone on from at a time.
    Arguments: `verifier` grades beginnings as well as whole answers; `branch` is M; it ends with so many `answers`, of
    which the one graded highest is taken, or with the budget. A step ends at `stop`; `tokens` bounds a whole answer.
    Source: Chatziveroglou 2025, arXiv 2505.13672. Provisional: that the cost so far adds up rises of h was seen only in
    what others say of the paper. Where grades never rise along a line the first answer is the one of least cost;
    where they do it need not be.
    """
    positive(branch=branch, answers=answers)
    walk = Walk(problem, engine, verifier, stop, tokens, temperature)
    # of equals the longer one goes on first, then the one that was there first
    queue: list[tuple[float, int, int, float, Path]] = [(0.0, 0, 0, 0.0, START)]
    ended: list[Path] = []
    seen: list[Path] = []
    while queue and len(ended) < answers:
        _, _, _, cost, path = heapq.heappop(queue)
        if path.ended:
            ended.append(path)
            continue
        before = None if path is START else 1 - path.grade
        for child in (child for group in await walk.grow([(path, branch)]) for child in group):
            seen.append(child)
            to_come = 1 - child.grade
            rise = 0.0 if before is None else max(0.0, to_come - before)
            if child.ended or walk.open(child):
                heapq.heappush(queue, (cost + rise + to_come, -child.steps, len(seen), cost + rise, child))
    return best(ended or seen)
