"""Every grader that is found by name: what it takes for right, what it refuses, and what it may be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allometry.inference import Budget, Response, Simulator, World, find_strategy, sweep
from allometry.inference.sweeps import Outcome
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, Grader, check_problems, find_grader, find_vote, list_graders
from allometry.notices import Refused


def grade(grader: Grader | str, text: str, answer: Any, **fields: Any) -> float:
    """What a plain grader says of one text."""
    made = find_grader(grader) if isinstance(grader, str) else grader
    problem = Problem("1", "?", answer, **fields)
    check_problems(made, [problem])
    assert made.check is not None
    return float(made.check(problem, Response(text)))


@pytest.mark.parametrize(
    ("grader", "text", "answer", "right"),
    [
        ("exact", " Paris ", "Paris", True), ("exact", "paris", "Paris", False), ("exact", "4", 4, True),
        ("exact:boxed", r"so \boxed{x+1}", "x+1", True), ("exact:boxed", r"so \boxed{x+1}", r"\boxed{x + 1}", True),
        ("exact:answer", "I see.\nThe answer is Paris.", "Paris", True), ("exact:number", "so 0.50", "1/2", True),
        ("numeric", "1,000 in all", "1000", True), ("numeric", "so 0.3333333", "1/3", True), ("numeric", "0.333", "1/3", False),
        ("numeric:0.01", "0.333", "1/3", True), ("numeric", "45%", "45", True), ("numeric", "45%", 0.45, True),
        ("numeric", "45", "45%", False), ("numeric", "none", "45", False), ("numeric", "0.0", 0, True),
        ("numeric:0.01", "0.02", 0, False), ("numeric", "-7", "7", False), ("numeric", "7", True, None),
        ("numeric", "7", "seven", None), ("numeric", "7", None, None),
        ("regex:= *([0-9]+)", "a = 1, b = 22", "22", True), ("regex:= *([0-9]+)", "a = 22, b = 1", "22", False),
        ("regex:[A-Z]{3}", "ABC then XYZ.", "XYZ", True), ("regex:(?i)answer: (.+)", "Answer: Red\nyes", "Red", True),
        ("regex:x:y", "x:y", "x:y", True), ("regex:z*", "abc", "z", False), ("regex:a", "a", None, None),
        ("regex:((a+)+)+$", "a" * 50_000 + "b", "a", False),
        ("choice", "The answer is (C).", "C", True), ("choice", "The answer is (C).", "(c)", True),
        ("choice", "The answer is (C).", "B", False), ("choice", "none", "B", False), ("choice", "2", 2, None),
        ("json", 'here: {"b": 1, "a": [true]}', {"a": [True], "b": 1.0}, True), ("json", "[1]", [True], False),
        ("json", '{"a": 1}', '{"a": 1}', True), ("json", "no", {}, False), ("json", "[1, 2]", [1], False),
        ("json", "null", "null", True), ("json", "{}", None, None),
    ],
)  # fmt: skip
def test_what_is_right(grader: str, text: str, answer: Any, right: bool | None) -> None:
    if right is None:
        with pytest.raises(Refused, match=r"problem '1' has no .* \(the grader "):
            grade(grader, text, answer)
    else:
        assert grade(grader, text, answer) == right


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exakt", "no grader is called 'exakt'.*the nearest are exact"),
        ("exact:nothing", "no reader of answers is called 'nothing'"),
        ("choice:A", "the grader choice takes nothing behind it"),
        ("numeric:2", "a tolerance of 2 is none"), ("numeric:x", "x"),
        ("regex", "the pattern is empty"), ("regex:(", "is no pattern: error: unclosed group"),
        ("regex:(?=a)b", "is no pattern: error: look-around"),
        ("judge:no-such-file", "the rubric cannot be read"),
        ("python", "runs programs that a model may have written.*--allow-code"),
        ("command:true", "runs programs that a model may have written.*--allow-code"),
        ("nothing.py:grade", "nothing.py cannot be loaded"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        find_grader(text)


def test_every_grader_says_how_it_is_written() -> None:
    assert sorted(list_graders()) == [
        "choice",
        "command",
        "exact",
        "generalist",
        "generated_tests",
        "json",
        "judge",
        "math",
        "numeric",
        "python",
        "regex",
        "reward",
    ]
    for name, made in list_graders().items():
        assert made.name == name
        assert len(made.summary) > 20
        assert made.runs_code == (name in ("python", "command", "generated_tests"))


def test_only_what_compares_with_the_answer_is_an_oracle() -> None:
    texts = ("exact", "exact:answer", "numeric", "regex:a", "choice", "json")
    assert all(find_grader(text).oracle and find_grader(text).kind == "exact outcome" for text in texts)
    assert (find_grader("judge").oracle, find_grader("judge").kind) == (False, "learned")


def test_votes_agree_with_the_grader() -> None:
    assert find_grader("numeric").read("so 1/2") == find_grader("numeric").read("0.50")  # type: ignore[misc]
    assert find_grader("exact") is EXACT


OWN = """
def grade(problem, response):
    return response.content == problem.answer

def half(problem, response):
    return 0.5 if problem.answer is None else 1

half.oracle = False
half.kind = "learned"

def wrong(problem, response):
    return "yes"

def fails(problem, response):
    return 1 / 0

def one(problem):
    return 1

def odd(problem, response):
    return 1

odd.kind = "odd"

async def late(problem, response):
    return 1

def vote(response):
    return len(response.content)
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path}/own.py"


def run(grader: Grader, text: str = "4") -> Outcome:
    """The outcome of one answer scored by a grader, from records in memory."""
    problems = simulated_problems(1)
    return sweep(problems, [find_strategy("greedy")()], [Budget(64)], Simulator(World(success=1.0)), scorer=grader)[0]


def test_a_function_of_ones_own(own: str) -> None:
    assert grade(f"{own}:grade", "4", "4") == 1
    assert find_grader(f"{own}:grade").oracle
    blind = find_grader(f"{own}:half")
    assert (blind.oracle, blind.kind) == (False, "learned")
    assert run(blind).grade == 0.5  # it was shown no answer


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong", "the grader gave 'yes' for problem '0'.*return a number"),
        ("fails", "the grader failed on problem '0': ZeroDivisionError"),
        ("one", "cannot be called with two arguments"),
        ("late", "the function is async"), ("odd", "'odd' is no kind of grader"), ("none", "has no function 'none'"),
    ],
)  # fmt: skip
def test_functions_that_are_no_graders(own: str, name: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        run(find_grader(f"{own}:{name}"))


def test_a_file_that_fails_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("answers = reed('x')\n")
    with pytest.raises(Refused, match="fails when it is loaded: NameError: name 'reed' is not defined"):
        find_grader(f"{tmp_path}/broken.py:grade")


def test_problems_without_an_answer_are_refused_before_anything_is_asked() -> None:
    with pytest.raises(Refused, match="problem '1' has no answer"):
        sweep([Problem("1", "?")], [find_strategy("greedy")()], [Budget(64)], Simulator(World()), scorer=EXACT)
    best = find_strategy("best_of_n")(selector=find_grader("numeric"))
    with pytest.raises(Refused, match="problem '1' has no number as its answer"):
        sweep([Problem("1", "?", "four")], [best], [Budget(64)], Simulator(World()))


def test_votes_by_name(own: str) -> None:
    call = {"id": "x", "function": {"name": "f", "arguments": '{"b": 1, "a": 2}'}}
    assert find_vote("tool_call")(Response(tool_calls=(call,))) == '[{"arguments":{"a":2,"b":1},"name":"f"}]'
    assert find_vote("choice")(Response("(B)")) == "B"
    assert find_vote("json")(Response('so {"a": 1}')) == '{"a":1}'
    assert find_vote(f"{own}:vote")(Response("abc")) == 3
    with pytest.raises(Refused, match="no reader of answers is called 'tool'"):
        find_vote("tool")
    labels = {find_strategy("self_consistency")(vote=find_vote(name)).identity for name in ("number", "choice", "json")}
    assert len(labels) == 3
