"""Pairs of answers and how alike they are: told by a function, or by a grader that is shown both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from allometry.inference.calls import NOTHING, Meter, Request, Response, Scope
from allometry.inference.strategies._drawing import grading
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader, Likeness
from allometry.notices import Refused

Compare = Grader | Likeness
BOTH = "First text:\n{}\n\nSecond text:\n{}"
# Tokens of the words around two texts, for budgets: no tokenizer makes more of them.
AROUND = len(BOTH)


async def alike(
    engine: Scope, problem: Problem, compare: Compare, pairs: Sequence[tuple[Response, Response]], takes: Meter
) -> list[float]:
    """How alike the two of each pair are; 0 for all where a grader can no longer be asked.

    `takes` is the most that grading a pair may take.
    Errors: `Refused` for a function that gives no finite number.
    """
    if isinstance(compare, Grader):
        if takes is not NOTHING and not engine.fits((), beside=takes * len(pairs)):
            return [0.0] * len(pairs)
        return await engine.grade(compare, [_both(one, other) for one, other in pairs])
    found = [compare(problem, one, other) for one, other in pairs]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in found):
        raise Refused("bad-likeness", "how alike two answers are is not finite", "the strategy", "give a number")
    return [float(value) for value in found]


def comparing(compare: Compare, problem: Problem, request: Request, engine: Scope) -> Meter:
    """The most that grading one pair of samples of a request may take."""
    return grading(compare, problem, replace(request, max_tokens=2 * request.max_tokens + AROUND), engine)


def _both(one: Response, other: Response) -> Response:
    return Response(BOTH.format(one.content, other.content), key=f"{one.key}+{other.key}")
