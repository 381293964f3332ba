"""`choice`: the letter that a text chooses."""

from __future__ import annotations

from dataclasses import replace

from allometry.inference.calls import Response
from allometry.inference.tasks import READERS, Problem
from allometry.inference.verifiers.grader import Grader, answer_text, grader, is_answer
from allometry.inference.verifiers.graders._maker import GraderMaker

READ = READERS["choice"]


def make(argument: str) -> Grader:
    """Right where the text chooses the answer's letter, from A to J, in one of the usual wordings.

    Answers are letters too: numbers are refused, for nobody knows whether they begin at 0 or at 1.
    """

    def choice(problem: Problem, response: Response) -> bool:
        return is_answer(READ, problem, response.content)

    return replace(grader("choice", "exact outcome", choice, oracle=True), read=READ, lacks=_lacks)


def _lacks(problem: Problem) -> str:
    known = problem.answer is not None and READ(answer_text(problem)) is not None
    return "" if known else "no letter from A to J as its answer"


GRADER = GraderMaker("choice", make)
