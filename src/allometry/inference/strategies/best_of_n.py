"""Best-of-N: samples, of which a grader chooses the best."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, draw, grading
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


@strategy()
async def best_of_n(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    selector: Grader,
    samples: Positive | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
    prefix: str = "",
) -> Answer:
    """As many samples as the budget holds, and the one that the selector grades highest, the first of equals.

    Use it where a check is cheap and right: with an exact one it comes to 1-(1-p)^N. With a learned one it falls at
    large N, when ever more wrong answers pass. What grading the samples may take is left of the budget for it.
    Arguments: `samples` bounds N; `tokens` each sample; `prefix` is text they all begin with.
    Source: Cobbe et al. 2021, arXiv 2110.14168 (recalled).
    """
    request = ask(problem, tokens, temperature=temperature, prefix=prefix)
    found = await draw(engine, request, samples, grading(selector, problem, request, engine))
    if len(found) < 2:  # nothing to choose
        return Answer(found[0] if found else None, len(found))
    grades = await engine.grade(selector, found)
    return Answer(found[max(range(len(found)), key=lambda i: grades[i])], len(found))
