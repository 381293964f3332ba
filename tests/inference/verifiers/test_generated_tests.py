"""The vote of tests that a model writes: who passes most of them is chosen, and a test that is wrong is one vote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from allometry.inference.calls import Abilities, Budget, Profile, Request, Response, Usage
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import find_grader
from allometry.inference.verifiers.apart import check_apart
from allometry.notices import Refused

try:
    check_apart()
except Refused as refused:
    pytest.skip(f"no programs can be run apart here: {refused}", allow_module_level=True)

PROGRAMS = ("def double(x): return x", "def double(x): return x + 2", "def double(x): return 2 * x")
# The first two fit two programs each, the third the right one alone; the last is wrong.
TESTS = (
    "assert double(2) == 4",
    "assert double(0) == 0",
    "```python\nassert double(3) == 6\n```",
    "assert double(5) == 7",
)
PROBLEM = Problem("0", "Write double(x). {problem}", sample_tokens=20)


@dataclass(frozen=True)
class Coder:
    """A virtual engine that says these programs, and these tests where it is asked for a test."""

    @property
    def profile(self) -> Profile:
        return Profile("coder", Abilities(n=True, seed=True), virtual=True)

    async def sample(self, request: Request) -> Sequence[Response]:
        wanted = TESTS if "one test of it" in str(request.prompt) else PROGRAMS
        assert re.search(r"Write double\(x\). \{problem\}", str(request.prompt))
        texts = [wanted[i % len(wanted)] for i in range(request.n)]
        return [Response(text, usage=Usage(1, 0, 2), seconds=1.0) for text in texts]

    def most_prompt_tokens(self, request: Request) -> int:
        return 1


def chosen(samples: int, budget: Budget) -> Outcome:
    strategy = find_strategy("best_of_n")(selector=find_grader("generated_tests", allow_code=True), samples=samples)
    return sweep([PROBLEM], [strategy], [budget], Coder())[0]


@pytest.mark.parametrize("samples", [3, 4])
def test_the_program_that_passes_most_is_chosen(samples: int) -> None:
    """Of four tests the right program passes three, the others one and two."""
    outcome = chosen(samples, Budget(calls=2 * samples))
    assert outcome.response is not None
    assert outcome.response.content == PROGRAMS[2]
    assert (outcome.meter.calls, outcome.selector_kind, outcome.oracle) == (2 * samples, "learned", False)


def test_of_a_budget_a_test_for_each_program_is_left() -> None:
    assert chosen(9, Budget(calls=5)).samples == 2
    assert chosen(9, Budget(20 + 512 + 20 + 512)).samples == 2


def test_it_is_refused_where_no_code_may_be_run() -> None:
    with pytest.raises(Refused, match="runs programs that a model may have written"):
        find_grader("generated_tests")
