"""Context, batch and turns: batches of samples one after another, each shown the best and the worst of the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allometry.inference.calls import Allowance, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, grading, one, whole
from allometry.inference.strategies._feedback import within_budget
from allometry.inference.strategies._prompts import behind, filled
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

BEST = "\n\nA good earlier answer:\n{best}"
WORST = "\n\nA bad earlier answer:\n{worst}"
ASKED = "\n\nA better answer:\n"
# Settings where none are given: assumed.
BATCH, TURNS = 4, 3


@strategy()
async def turns(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    selector: Grader,
    batch: Positive = BATCH,
    turns: Positive = TURNS,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """T turns of B samples of C tokens at most: the grader's best and worst of a turn are shown in the next one.

    Use it to share one budget out among longer answers, more samples and more turns, and to measure which of these is
    worth most: C * B * T tokens are generated at most, and what graders and longer prompts take counts besides. It is
    not sure to rise with B or T: a grader that errs picks more wrong answers among many, and hands them on.
    Arguments: `tokens` is C, `batch` B, `turns` T. The answer is the best of the last turn, whatever an earlier grade
    was; a turn that the budget does not hold whole is drawn smaller. With `turns=1` it is `best_of_n`.
    Source: arXiv 2511.15738. Provisional: only the abstract and reviews were seen, so the words around what is shown
    are ours.
    """
    request = ask(problem, tokens, temperature=temperature, n=batch)
    beside = grading(selector, problem, request, engine)
    chosen, drawn, said = None, 0, ""
    for _ in range(turns):
        prompt = behind(problem.prompt, said) if said else problem.prompt
        asked = within_budget(engine, [replace(request, prompt=prompt)], beside)
        if not asked:
            break
        found = await whole(engine, asked[0])
        grades = await engine.grade(selector, found) if len(found) > 1 else [0.0]
        chosen, drawn, said = found[grades.index(max(grades))], drawn + len(found), _feedback(found, grades)
    if chosen is None:
        single = await one(engine, request)
        return Answer(single, int(single is not None))
    return Answer(chosen, drawn)


def _feedback(found: Sequence[Response], grades: Sequence[float]) -> str:
    """What is said of a turn: its best answer, and its worst where that is another one with a lower grade."""
    best, worst = (found[grades.index(grade)].content for grade in (max(grades), min(grades)))
    return filled(BEST, best=best) + (filled(WORST, worst=worst) if min(grades) < max(grades) else "") + ASKED
