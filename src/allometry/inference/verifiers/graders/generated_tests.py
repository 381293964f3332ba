"""`generated_tests`: the share of tests that the model itself wrote which a program passes."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.calls import Meter, Request, Response, Scope
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.grader import Grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.inference.verifiers.graders.judge import fill
from allometry.inference.verifiers.graders.python import code_of, run_tests

TOKENS = 512
# Tests should differ from one another: assumed, as for samples; programs of the paper are drawn at 0.5.
TEMPERATURE = 0.8
ASKED = """Here is a task for a program.

<task>
{problem}
</task>

Write no program, but one test of it: a block of Python of assert statements that holds for a right program and fails
for wrong ones. The program stands above the test when that is run."""


def make(argument: str) -> Grader:
    """The share of tests passed, one written by the model that answers for each of the programs to choose from.

    With `best_of_n` it is the vote of tests: the program that passes most of them, the first of equals. It needs
    neither answers nor tests of the problem, and is as good as the tests: the model that misreads a task writes tests
    of what it read. What is run, and how, is as for `python`; N programs take N calls and N * N runs.
    Source: Ehrlich et al. 2025, arXiv 2501.14723 (votes of generated tests; of programs that are equal the paper takes
    the shorter, and has a model choose among three).
    """

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        tests = [code_of(one.content) for one in await engine.sample(_request(problem, len(responses)))]
        programs = [code_of(response.content) for response in responses]
        pairs = [{"code": program, "tests": test} for program in programs for test in tests]
        passed = await engine.map(run_tests, pairs)
        count = len(tests)
        return [sum(passed[i : i + count]) / count for i in range(0, len(passed), count)]

    def takes(problem: Problem, request: Request, engine: Scope) -> Meter:
        return engine.worst(_request(problem, 1))

    return Grader("generated_tests", "learned", grade, check=run_tests, takes=takes)


def _request(problem: Problem, count: int) -> Request:
    prompt = fill(ASKED, problem)
    asked = prompt if isinstance(problem.prompt, str) else ({"role": "user", "content": prompt},)
    return Request(asked, max_tokens=TOKENS, n=count, temperature=TEMPERATURE)


GRADER = GraderMaker("generated_tests", make, runs_code=True)
