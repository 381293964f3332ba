"""`python`: the program in a text, run against the problem's tests."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Sequence

from allometry.inference.calls import Response, Scope
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.apart import run_apart
from allometry.inference.verifiers.grader import Grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.notices import Refused

_FENCE = re.compile(r"```[ \t]*(?:python3?|py)?[ \t]*\r?\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)


def make(where: str) -> Grader:
    """Right where the Python in the text, followed by the problem's tests, runs to its end.

    The tests are a Python text under `tests` in the problem's `data`, which are no secret, or with `python:answer` the
    problem's `answer`, which is. What is run is the last fenced block of the text, or all of it where there is none.
    It runs apart, without network, for 10 seconds and in 1 GiB at most. Code that is written to cheat the tests can.
    """
    if where not in ("", "answer"):
        raise Refused(
            "bad-grader", f"tests are not kept in {where!r}", "the grader python", "write python, or python:answer"
        )
    hidden = where == "answer"

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        tests = _tests(problem, hidden)
        programs = [{"code": code_of(response.content), "tests": tests} for response in responses]
        return await engine.map(run_tests, programs)

    def lacks(problem: Problem) -> str:
        known = isinstance(problem.answer if hidden else problem.data.get("tests"), str)
        return "" if known else f"no text of tests as its {'answer' if hidden else 'data.tests'}"

    name = "python:answer" if hidden else "python"
    return Grader(name, "exact outcome", grade, oracle=hidden, check=passes, lacks=lacks)


def _tests(problem: Problem, hidden: bool) -> str:
    return f"{problem.answer if hidden else problem.data.get('tests')}"


async def run_tests(engine: Scope, program: dict[str, str]) -> float:
    """1 where `code` and then `tests` of a program run to their end, recorded."""
    return float(await engine.tool("python", program, passes))


def passes(code: str, tests: str) -> bool:
    """Whether a program and then tests run to their end: leaving early is no way to pass."""
    mark = secrets.token_hex(16)
    whole = f"{code}\n\n{tests}\n\nprint({mark!r})\n"
    ended = run_apart([sys.executable, "-I", "program.py"], files={"program.py": whole})
    return ended.status == 0 and not ended.over and ended.output.rstrip().endswith(mark)


def code_of(text: str) -> str:
    """The last fenced block of a text, or all of it.

    >>> code_of("So:\\n```python\\nx = 1\\n```\\nThat is it.")
    'x = 1\\n'
    """
    blocks = _FENCE.findall(text)
    return blocks[-1] if blocks else text


GRADER = GraderMaker("python", make, "[:answer]", runs_code=True)
