"""A grader: says of responses how good they are. Selecting an answer and scoring it are two graders, both named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from allometry.inference.calls import Meter, Request, Response, Scope, canonical
from allometry.inference.tasks import Problem, Reader
from allometry.notices import Refused

Kind: TypeAlias = Literal["exact outcome", "exact step", "learned"]
Grades: TypeAlias = Callable[[Problem, Sequence[Response], Scope], Awaitable[Sequence[float]]]


@dataclass(frozen=True)
class Grader:
    """Grades responses from 0 (worst) to 1 (right).

    Arguments: `name` stands in every row. `kind` is "exact outcome" (decides by the final answer), "exact step"
    (decides by every step) or "learned" (a model's opinion, judges included): kinds are never mixed in one curve.
    `grade(problem, responses, engine)` sees all responses at once, so that judges may compare them; whatever it
    samples goes through the engine and counts. Only an `oracle` is shown the problem's answer: what it selects is
    marked so. `check` is the function inside of `grade`, where that is not all of it. `roles` are further engines that
    it asks. `read` takes the answer out of a text as the grader does, for votes to agree with it; None where it judges
    otherwise. `takes(problem, request, engine)` is the most that grading one sample of a request may take, for those who
    keep within a budget; None for one that asks no engine. `lacks(problem)` says what a problem must have to be graded
    and has not; "" where nothing is missing. `whole` says that it knows whole answers alone, and takes every beginning
    of one for wrong: no search over steps can be made with it.
    """

    name: str
    kind: Kind
    grade: Grades
    oracle: bool = False
    check: Callable[..., Any] | None = None
    roles: tuple[str, ...] = ()
    read: Reader | None = None
    takes: Callable[[Problem, Request, Scope], Meter] | None = None
    lacks: Callable[[Problem], str] = lambda problem: ""
    whole: bool = False

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


def check_problems(grader: Grader, problems: Sequence[Problem]) -> None:
    """Refuse problems that a grader cannot grade, before anything is spent on them.

    >>> check_problems(EXACT, [Problem("7", "2+2=")])
    Traceback (most recent call last):
    allometry.notices.Refused: problem '7' has no answer (the grader exact): give it one, or choose another grader
    """
    for problem in problems:
        lacks = grader.lacks(problem)
        if lacks:
            raise Refused("cannot-grade", f"problem {problem.id!r} has {lacks}", f"the grader {grader.name}",
                          "give it one, or choose another grader")  # fmt: skip


def no_answer(problem: Problem) -> str:
    """What graders lack that compare with the answer."""
    return "no answer" if problem.answer is None else ""


def answer_text(problem: Problem) -> str:
    """The problem's own answer as text: as it is, or as JSON where it is another value.

    >>> answer_text(Problem("1", "2+2=", answer=4))
    '4'
    """
    return problem.answer if isinstance(problem.answer, str) else canonical(problem.answer)


def is_answer(read: Reader, problem: Problem, text: str) -> bool:
    """Whether what is read out of a text is the problem's answer, or what is read out of that."""
    found = read(text)
    if found is None or problem.answer is None:
        return False
    return found == problem.answer or found == read(answer_text(problem))


def _is_answer(problem: Problem, response: Response) -> bool:
    return is_answer(problem.read, problem, response.content)


EXACT = replace(grader("exact", "exact outcome", _is_answer, oracle=True), lacks=no_answer)
"""Right where the answer that is read out of a response is the problem's own."""
