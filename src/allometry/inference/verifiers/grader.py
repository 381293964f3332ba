"""A grader: says of responses how good they are. Selecting an answer and scoring it are two graders, both named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from allometry.inference.calls import Response, Scope
from allometry.inference.tasks import Problem

Kind: TypeAlias = Literal["exact outcome", "exact step", "learned"]
Grades: TypeAlias = Callable[[Problem, Sequence[Response], Scope], Awaitable[Sequence[float]]]


@dataclass(frozen=True)
class Grader:
    """Grades responses from 0 (worst) to 1 (right).

    Arguments: `name` stands in every row. `kind` is "exact outcome" (decides by the final answer), "exact step"
    (decides by every step) or "learned" (a model's opinion, judges included): kinds are never mixed in one curve.
    `grade(problem, responses, engine)` sees all responses at once, so that judges may compare them; whatever it
    samples goes through the engine and counts. Only an `oracle` is shown the problem's answer: what it selects is
    marked so. `check` is the function inside of `grade`, where that is not all of it.
    """

    name: str
    kind: Kind
    grade: Grades
    oracle: bool = False
    check: Callable[..., Any] | None = None

    @property
    def code(self) -> Callable[..., Any]:
        """The function whose change makes it another grader."""
        return self.check or self.grade


def grader(
    name: str, kind: Kind, check: Callable[[Problem, Response], float | bool], *, oracle: bool = False
) -> Grader:
    """A grader from a function of one response that asks nobody else.

    Use it for checks in plain Python; write a `Grader` where an engine or a tool is asked.

    >>> grader("says yes", "exact outcome", lambda problem, response: "yes" in response.content).name
    'says yes'
    """

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        return [float(check(problem, response)) for response in responses]

    return Grader(name, kind, grade, oracle, check)


def _is_answer(problem: Problem, response: Response) -> bool:
    return problem.answer is not None and problem.read(response.content) == problem.answer


EXACT = grader("exact", "exact outcome", _is_answer, oracle=True)
"""Right where the answer that is read out of a response is the problem's own."""
