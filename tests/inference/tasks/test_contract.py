"""What every built-in task keeps: its own solutions pass both checks, a changed line does not, a seed is a seed."""

from __future__ import annotations

import math
import random
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.inference.calls import Response
from allometry.inference.tasks import Example, Problem, Steps, Task, find_task, list_tasks, measure_horizon
from allometry.inference.verifiers import Grader, answer_grader, check_response, scorer_of, step_grader
from allometry.notices import Refused

TASKS = list(list_tasks().values())
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyz+-*/=,:>"


def grades(grader: Grader, problem: Problem, *responses: Response) -> list[float]:
    """What a grader that asks nobody says."""
    try:
        grader.grade(problem, responses, None).send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


def problem_of(task: Task, example: Example) -> Problem:
    return Problem("0", example.prompt, example.answer, example.data, read=task.read)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Task, Example, int]:
    task = draw(st.sampled_from(TASKS))
    difficulty = draw(st.integers(task.easiest, task.hardest))
    return task, next(task.examples(draw(st.integers(0, 2**40)), difficulty)), difficulty


@given(drawn())
@settings(max_examples=100, deadline=None)
def test_its_own_solution_passes_both_checks(made: tuple[Task, Example, int]) -> None:
    task, example, difficulty = made
    problem, whole = problem_of(task, example), Response(example.solution)
    assert grades(answer_grader(task), problem, whole) == [1.0]
    assert grades(step_grader(task), problem.blind(), whole) == [1.0]
    assert task.check_steps(problem, example.solution) == Steps(example.solution.count("\n"), False, True)
    assert len(example.solution) + 1 <= task.tokens(difficulty)
    if example.answer is not None:
        assert task.read(example.solution) == example.answer


@given(drawn(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_changed_character_fails_the_steps(made: tuple[Task, Example, int], data: st.DataObject) -> None:
    task, example, _ = made
    lines = example.solution.split("\n")[:-1]
    at = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    other = data.draw(st.sampled_from([c for c in CHARACTERS if c != lines[at][place]]))
    changed = [*lines[:at], lines[at][:place] + other + lines[at][place + 1 :], *lines[at + 1 :]]
    problem = problem_of(task, example)
    text = "".join(f"{line}\n" for line in changed)
    steps = task.check_steps(problem, text)
    assert steps == Steps(at, True, False)
    assert grades(step_grader(task), problem, Response(text)) == [0.0]
    assert grades(step_grader(task, unfinished=True), problem, Response(text)) == [0.0]


@given(drawn(), st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_cut_off_is_right_so_far_and_never_whole(made: tuple[Task, Example, int], data: st.DataObject) -> None:
    task, example, _ = made
    text = example.solution[: data.draw(st.integers(0, len(example.solution) - 1))]
    problem, cut = problem_of(task, example), Response(text, finish="length")
    assert grades(step_grader(task, unfinished=True), problem, cut) == [1.0]
    assert grades(step_grader(task), problem, cut) == [0.0]
    assert grades(answer_grader(task), problem, cut) == [0.0]
    assert task.read(text) is None
    ended = check_response(task, problem, Response(text))
    assert ended.wrong == (not text.endswith("\n") and text != "")


@given(drawn(), st.text(CHARACTERS + "\n é²", max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_is_graded(made: tuple[Task, Example, int], text: str) -> None:
    task, example, _ = made
    problem = problem_of(task, example)
    right = text.startswith(example.solution)
    assert (grades(answer_grader(task), problem, Response(text)) == [1.0]) <= (task.read(text) is not None)
    assert right or not task.check_steps(problem, text).ended or task.right_answer(problem, text)
    assert not task.check_steps(problem, example.solution + text + "\n").ended


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_seed_is_a_seed(task: Task) -> None:
    problems = task.problems(20, seed=5)
    assert problems[:7] == task.problems(7, seed=5)
    assert len({problem.prompt for problem in problems} & {p.prompt for p in task.problems(20, seed=6)}) < 3
    assert len({problem.id for problem in problems}) == 20
    assert all(set(problem.prompt) <= set(map(chr, range(32, 127))) for problem in problems)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_no_problem_is_among_the_training_examples(task: Task) -> None:
    held = {example.prompt for example in islice(task.examples(0, task.easiest), 300)}
    train = {example.prompt for example in islice(task.examples(0, task.easiest, held_out=False), 300)}
    assert held
    assert train
    assert not held & train


def test_a_line_that_a_stop_text_ended_is_whole() -> None:
    task = find_task("lookup")
    example = next(task.examples(0))
    first = example.solution.split("\n")[0]
    problem = problem_of(task, example)
    assert check_response(task, problem, Response(first, stopped_by="\n")) == Steps(1, False, False)


def test_right_operations_with_a_wrong_list_are_an_answer_but_no_steps() -> None:
    problem = Problem("1", "C6,8,3>51:", data={"numbers": [3, 6, 8], "target": 51}, read=find_task().read)
    text = Response("6*8=48:4,48\n3+48=51:51\n")
    assert grades(answer_grader(find_task()), problem, text) == [1.0]
    assert grades(step_grader(find_task()), problem, text) == [0.0]


def test_another_way_to_the_target_counts() -> None:
    problem = Problem("1", "C1,2,3>6:", data={"numbers": [1, 2, 3], "target": 6}, read=find_task().read)
    for text in ("1+2=3:3,3\n3+3=6:6\n", "2*3=6:1,6\n6*1=6:6\n", "2*3=6:1,6\n6/1=6:6\n"):
        assert grades(step_grader(find_task()), problem, Response(text)) == [1.0]
    assert grades(answer_grader(find_task()), problem, Response("2*3=6:6\n")) == [0.0]


def test_how_each_is_scored() -> None:
    assert {task.name: scorer_of(task).kind for task in TASKS} == {
        "chain": "exact step", "countdown": "exact outcome", "horizon": "exact outcome", "lookup": "exact outcome",
    }  # fmt: skip


def test_refusals_say_what_there_is() -> None:
    with pytest.raises(Refused, match="nearest are countdown"):
        find_task("countdwn")
    with pytest.raises(Refused, match="take one from 2 to 8"):
        find_task().problems(1, difficulty=9)
    with pytest.raises(Refused, match="at least one step"):
        measure_horizon([])
    with pytest.raises(Refused, match="no chance"):
        measure_horizon([Steps(1, False, True)], success=1)


def test_the_horizon_of_a_known_step_accuracy_is_its_own() -> None:
    rng, accuracy, length = random.Random(0), 0.95, 30
    found = []
    for _ in range(4000):
        right = next((i for i in range(length) if rng.random() > accuracy), length)
        found.append(Steps(right, right < length, right == length))
    measured = measure_horizon(found)
    error = math.sqrt(accuracy * (1 - accuracy) / measured.steps)
    assert abs(measured.step_accuracy - accuracy) < 4 * error
    assert measured.length == pytest.approx(math.log(0.5) / math.log(accuracy), rel=0.1)
    assert math.isinf(measure_horizon([Steps(3, False, True)]).length)
