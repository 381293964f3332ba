"""Graders that run what a model wrote, and commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from allometry.inference import Budget, Simulator, World, find_strategy, sweep
from allometry.inference.calls import Response
from allometry.inference.records import Records, read_lines
from allometry.inference.sweeps import Outcome
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader, check_problems, find_grader
from allometry.inference.verifiers.apart import check_apart
from allometry.inference.verifiers.graders.python import passes
from allometry.notices import Refused

try:
    check_apart()
except Refused as refused:
    pytest.skip(f"no programs can be run apart here: {refused}", allow_module_level=True)

TESTS = "assert double(2) == 4"
RIGHT = "def double(x): return 2 * x"


@pytest.mark.parametrize(
    ("code", "right"),
    [
        (RIGHT, True), ("def double(x): return x", False), ("def double(x: return", False),
        ("raise SystemExit(0)", False), ("import os; os._exit(0)", False), ("", False),
        (f"{RIGHT}\nprint('much', end='')", True), (f"from __future__ import annotations\n{RIGHT}", True),
        (f"{RIGHT}\nimport math, json, collections", True),
    ],
)  # fmt: skip
def test_programs_pass_or_not(code: str, right: bool) -> None:
    assert passes(code, TESTS) == right


def scored(grader: Grader, problem: Problem, records: Records | None = None) -> Outcome:
    """The simulator's right answer, "answer 0", under a grader."""
    world = Simulator(World(success=1.0))
    return sweep([problem], [find_strategy("greedy")()], [Budget(64)], world, scorer=grader, records=records)[0]


def test_a_program_is_run_against_the_tests_of_its_problem(tmp_path: Path) -> None:
    grader = find_grader("python", allow_code=True)
    assert (grader.kind, grader.oracle) == ("exact outcome", False)
    problem = Problem("0", "simulated problem 0", data={"tests": TESTS})
    with Records(tmp_path) as records:
        assert scored(grader, problem, records).grade == 0  # steps of a simulator are no Python
    kept = [line for line in read_lines(tmp_path) if line["kind"] == "effect"]
    assert [line["engine"] for line in kept] == ["tool:python"]
    with pytest.raises(Refused, match="problem '0' has no text of tests as its data"):
        check_problems(grader, [Problem("0", "?")])


def test_tests_that_are_the_answer_make_an_oracle() -> None:
    grader = find_grader("python:answer", allow_code=True)
    assert grader.oracle
    check_problems(grader, [Problem("0", "?", TESTS)])
    with pytest.raises(Refused, match="tests are not kept in 'data'"):
        find_grader("python:data", allow_code=True)


@pytest.mark.parametrize(
    ("code", "grade"),
    [
        ("print(0.25)", 0.25), ("print('so'); print(1)", 1.0), ("", 1.0), ("sys.exit(1)", 0.0), ("print(0); sys.exit(0)", 0.0),
        ("print(given['content'].split()[-1] == given['answer'] and 1)", 1.0),
        ("import os; os.kill(os.getpid(), 9)", 0.0),
        ("sys.exit(2)", "ended with status 2: and said nothing"), ("1 / 0 if given else 0", None),
        ("print(7)", "printed '7'"), ("print('right')", "printed 'right'"),
    ],
)  # fmt: skip
def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, grade: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("check.py").write_text(f"import json, sys\ngiven = json.load(sys.stdin)\n{code}\n")
    grader = find_grader(f"command:{sys.executable} check.py", allow_code=True)
    problem = Problem("0", "simulated problem 0", "0")
    if grade is None:  # an uncaught error of Python ends with status 1, which a checker may well mean
        assert scored(grader, problem).grade == 0.0
    elif isinstance(grade, str):
        with pytest.raises(Refused, match=f"on problem '0' the command {grade}"):
            scored(grader, problem)
    else:
        assert scored(grader, problem).grade == grade


def test_a_command_is_another_grader_when_its_file_changes(tmp_path: Path) -> None:
    script = tmp_path / "check.py"
    names = set()
    for text in ("print(1)", "print(0)", "print(1)"):
        script.write_text(text)
        names.add(find_grader(f"command:python {script}", allow_code=True).name)
    assert len(names) == 2
    for text, said in (("command:", "the command is empty"), ("command:'", "cannot be read: No closing quotation")):
        with pytest.raises(Refused, match=said):
            find_grader(text, allow_code=True)


def test_code_is_taken_from_the_last_fence() -> None:
    from allometry.inference.verifiers.graders.python import code_of

    assert code_of("```\na\n```\nand\n```Python\nb\n```") == "b\n"
    assert code_of("```python\ncut off") == "cut off"
    assert code_of(Response("plain").content) == "plain"
