"""`json`: the last JSON value of a text."""

from __future__ import annotations

from dataclasses import replace

from allometry.inference.calls import Response
from allometry.inference.tasks import READERS, Problem, last_json
from allometry.inference.verifiers.grader import Grader, grader, no_answer
from allometry.inference.verifiers.graders._maker import GraderMaker


def make(argument: str) -> Grader:
    """Right where the last JSON value of the text equals the answer, which is a JSON value or a text that holds one.

    The order of keys does not count; 1 and 1.0 are equal, 1 and true are not.
    """

    def json(problem: Problem, response: Response) -> bool:
        found, held = last_json(response.content), problem.answer
        if found is None:
            return False
        inner = last_json(held) if isinstance(held, str) else None
        return equal(found.value, held) or (inner is not None and equal(found.value, inner.value))

    return replace(grader("json", "exact outcome", json, oracle=True), read=READERS["json"], lacks=no_answer)


def equal(one: object, other: object) -> bool:
    """Whether two JSON values are the same.

    >>> equal({"a": 1, "b": [True]}, {"b": [True], "a": 1.0}), equal(1, True)
    (True, False)
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


GRADER = GraderMaker("json", make)
