"""The exact checks of built-in tasks as graders."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.calls import Response, Scope
from allometry.inference.tasks import Problem, Steps, Task
from allometry.inference.verifiers.grader import Grader, no_answer


def answer_grader(task: Task) -> Grader:
    """Right by the final answer, however it was found. An oracle unless the task's answers can be checked without one.

    >>> from allometry.inference.tasks import find_task
    >>> answer_grader(find_task("chain")).oracle, answer_grader(find_task("countdown")).oracle
    (True, False)
    """

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        return [float(task.right_answer(problem, whole_lines(response))) for response in responses]

    lacks = no_answer if task.oracle else _no_data
    return Grader(
        f"{task.name} answer", "exact outcome", grade, task.oracle, task.right_answer, lacks=lacks, whole=True
    )


def step_grader(task: Task, *, unfinished: bool = False) -> Grader:
    """Right by every line, to the end; with `unfinished`, also where all lines are right that are there so far.

    Use the first to score and to select whole answers, the second to search over steps. It needs the problem alone.

    >>> from allometry.inference.tasks import find_task
    >>> step_grader(find_task("chain"), unfinished=True).name
    'chain steps so far'
    """

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        return [float(_passes(check_response(task, problem, response), unfinished)) for response in responses]

    name = f"{task.name} steps so far" if unfinished else f"{task.name} steps"
    return Grader(name, "exact step", grade, check=task.right_line, lacks=_no_data, whole=not unfinished)


def _no_data(problem: Problem) -> str:
    """What a check lacks that goes by the numbers of the problem."""
    return "" if problem.data else "no data to check it by"


def scorer_of(task: Task) -> Grader:
    """The grader by which a task is scored if not told otherwise."""
    return step_grader(task) if task.scored_by == "steps" else answer_grader(task)


def check_response(task: Task, problem: Problem, response: Response) -> Steps:
    """How far a response is right. A last line without its newline is wrong, unless the response was cut off there."""
    text = whole_lines(response)
    steps = task.check_steps(problem, text)
    if text and not text.endswith("\n") and not response.truncated:
        return steps._replace(wrong=True, ended=False)
    return steps


def whole_lines(response: Response) -> str:
    """The text with the newline that ended it as a stop text."""
    return response.content + ("\n" if response.stopped_by == "\n" else "")


def _passes(steps: Steps, unfinished: bool) -> bool:
    return not steps.wrong and (steps.ended or unfinished)
