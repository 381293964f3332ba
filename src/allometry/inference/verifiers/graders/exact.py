"""`exact`: the answer itself, as a reader takes it out of the text."""

from __future__ import annotations

from dataclasses import replace

from allometry.inference.calls import Response
from allometry.inference.tasks import Problem, find_reader
from allometry.inference.verifiers.grader import EXACT, Grader, grader, is_answer, no_answer
from allometry.inference.verifiers.graders._maker import GraderMaker


def make(reader: str) -> Grader:
    """Right where the text is the answer; with a reader (answer, boxed, number, choice, json), what that takes out.

    Use it where an answer is a word or a name. Space around it does not count, capitals do.
    """
    if not reader:
        return EXACT
    read = find_reader(reader)

    def exact(problem: Problem, response: Response) -> bool:
        return is_answer(read, problem, response.content)

    return replace(grader(f"exact:{reader}", "exact outcome", exact, oracle=True), read=read, lacks=no_answer)


GRADER = GraderMaker("exact", make, "[:READER]")
