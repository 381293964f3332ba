"""A function of a user's own file as a grader."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, get_args

from allometry.inference.calls import Response
from allometry.inference.records import find_hook
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.grader import Grader, Kind, grader
from allometry.notices import Refused


def own_grader(text: str) -> Grader:
    """The grader that `mine.py:grade` names: a function (problem, response) to a number from 0 to 1.

    It is taken for one that looks at the answer, and so for an oracle where it selects; `grade.oracle = False` below
    the function says that it does not, and then it is not shown any. `grade.kind = "learned"` says of which kind it is.
    """
    function = find_hook(text)
    _check_signature(function, text)
    kind: Kind = getattr(function, "kind", "exact outcome")
    if kind not in get_args(Kind):
        raise Refused("bad-grader", f"{kind!r} is no kind of grader", text, f"give one of {', '.join(get_args(Kind))}")

    def check(problem: Problem, response: Response) -> float:
        return _called(function, text, problem, response)

    made = grader(text, kind, check, oracle=bool(getattr(function, "oracle", True)))
    return Grader(made.name, made.kind, made.grade, made.oracle, function)


def _check_signature(function: Callable[..., Any], text: str) -> None:
    mend = "write def grade(problem, response) that returns a number from 0 to 1"
    if inspect.iscoroutinefunction(function):
        raise Refused("bad-grader", "the function is async", text, mend)
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise Refused("bad-grader", "the function cannot be called with two arguments", text, mend) from None
    except ValueError:  # it tells nothing of its arguments
        return


def _called(function: Callable[..., Any], text: str, problem: Problem, response: Response) -> float:
    try:
        grade = function(problem, response)
    except Exception as error:
        message = f"the grader failed on problem {problem.id!r}: {type(error).__name__}: {error}"
        raise Refused("grader-failed", message, text, "mend it, and go on with the same records") from error
    if not isinstance(grade, int | float) or not (math.isfinite(grade) and 0 <= grade <= 1):
        message = f"the grader gave {grade!r:.60} for problem {problem.id!r}"
        raise Refused("bad-grade", message, text, "return a number from 0 to 1, True or False")
    return float(grade)
