"""`numeric`: the last number of a text, up to a tolerance."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from allometry.expressions import parse_number
from allometry.inference.calls import Response
from allometry.inference.tasks import READERS, Problem, last_number
from allometry.inference.verifiers.grader import Grader, answer_text, grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.notices import Refused

TOLERANCE = 1e-6


def make(tolerance: str) -> Grader:
    """Right where the last number of the text is the answer's, up to a share of that (1e-6 if not given).

    What is read as a number: see `last_number`. Behind a percent sign both 0.45 and 45 are right for 45% where the
    answer has no such sign itself. For an answer of 0 the tolerance is a difference.
    """
    share = _share(tolerance) if tolerance else TOLERANCE

    def numeric(problem: Problem, response: Response) -> bool:
        found, answer = last_number(response.content), last_number(answer_text(problem))
        if found is None or answer is None:
            return False
        values = [found.value]
        if found.percent and not answer.percent:
            values.append(found.value * 100)
        most = Fraction(share) * (abs(answer.value) or 1)
        return any(abs(value - answer.value) <= most for value in values)

    name = f"numeric:{tolerance}" if tolerance else "numeric"
    return replace(grader(name, "exact outcome", numeric, oracle=True), read=READERS["number"], lacks=_lacks)


def _share(text: str) -> float:
    share = parse_number(text, "the grader numeric")
    if not 0 <= share < 1:
        raise Refused(
            "bad-grader", f"a tolerance of {text} is none", "the grader numeric", "write 0.01 for a hundredth"
        )
    return share


def _lacks(problem: Problem) -> str:
    return "no number as its answer" if problem.answer is None or last_number(answer_text(problem)) is None else ""


GRADER = GraderMaker("numeric", make, "[:TOLERANCE]")
