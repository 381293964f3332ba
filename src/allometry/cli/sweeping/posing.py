"""What is asked: the problems of a task, and the graders and arguments of strategies that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allometry.inference.strategies import Strategy, list_strategies, read_strategy
from allometry.inference.tasks import (
    Problem,
    Task,
    find_reader,
    find_task,
    list_tasks,
    read_problems,
    simulated_problems,
)
from allometry.inference.verifiers import EXACT, Grader, answer_grader, find_grader, scorer_of, step_grader
from allometry.notices import Refused

SIMULATED = "simulated"
COUNT = 200


@dataclass(frozen=True)
class Posed:
    """Problems, and what answers to them are graded by.

    `graders` are those of the task, by the names people give; `arguments` what strategies need to know of how its
    solutions are written. `scorer` is None where nothing says what is right.
    """

    name: str
    problems: tuple[Problem, ...]
    scorer: Grader | None
    graders: Mapping[str, Grader] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    allow_code: bool = False

    def grader(self, name: str) -> Grader:
        """A grader of the task, or any other, by name."""
        return self.graders[name] if name in self.graders else find_grader(name, allow_code=self.allow_code)

    def strategy(self, text: str, selector: str | None) -> Strategy:
        """A strategy by its text, its selector being the given one, or else the scorer where that saw no answer."""
        usual = {name: dict(self.arguments.get(name, {})) for name in list_strategies()}
        chosen = selector or self._own_selector()
        for arguments in usual.values():
            if chosen is not None:
                arguments["selector"] = chosen
        try:
            return read_strategy(text, self.grader, usual)
        except Refused as refused:
            if refused.code == "missing-argument" and "selector" in refused.message:
                raise Refused("no-selector", f"{text} needs a grader that chooses, and that of this task sees the answers",
                              "--selector", "give --selector judge (or another grader); the task's own, by name, makes "
                              "an oracle: a bound, drawn apart") from None  # fmt: skip
            raise

    def _own_selector(self) -> Grader | None:
        return None if self.scorer is None or self.scorer.oracle else self.scorer


def pose(
    task: str, count: int | None, difficulty: int | None, grader: str | None, reader: str | None, *, allow_code: bool
) -> Posed:
    """The problems of a built-in task, of simulated ones, or of a file of the user's own."""
    if task in list_tasks():
        posed = _built_in(find_task(task), count or COUNT, difficulty)
    elif difficulty is not None:
        raise Refused("no-difficulty", f"{task} has no difficulties", "--difficulty", "leave it out")
    elif task == SIMULATED:
        posed = Posed(task, tuple(simulated_problems(count or COUNT)), EXACT, {"exact": EXACT})
    else:
        posed = _own(task, count, reader)
    scorer = posed.scorer if grader is None else _with_code(posed, allow_code).grader(grader)
    return Posed(posed.name, posed.problems, scorer, posed.graders, posed.arguments, allow_code)


def _with_code(posed: Posed, allow_code: bool) -> Posed:
    return Posed(posed.name, posed.problems, posed.scorer, posed.graders, posed.arguments, allow_code)


def _built_in(task: Task, count: int, difficulty: int | None) -> Posed:
    graders = {"answer": answer_grader(task), "steps": step_grader(task)}
    problems = tuple(task.problems(count, difficulty=difficulty))
    return Posed(task.name, problems, scorer_of(task), graders, task.arguments)


def _own(path: str, count: int | None, reader: str | None) -> Posed:
    if not path.endswith((".jsonl", ".json", ".ndjson")) and "/" not in path:
        find_task(path)  # a name, and none that is known
    read = None if reader is None else find_reader(reader)
    return Posed(path, tuple(read_problems(path, limit=count, read=read)), None)
