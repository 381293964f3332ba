"""What is asked: the problems of a task, and the graders and arguments of strategies that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
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
SO_FAR = "steps_so_far"
"""The name of a task's own check of beginnings, which searches over steps take if not told otherwise."""


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
        for name, maker in list_strategies().items():
            if chosen is not None and "selector" in maker.parameters:
                usual[name]["selector"] = chosen
            if SO_FAR in self.graders and "verifier" in maker.parameters:
                usual[name]["verifier"] = SO_FAR
        try:
            return read_strategy(text, self.grader, usual)
        except Refused as refused:
            if refused.code == "missing-argument" and "verifier" in refused.message:
                raise Refused("no-verifier", f"{text} needs a grader of beginnings, and {self.name} has none of its own",
                              "--strategy", f"write {text}(verifier=judge), or a grader of your own") from None  # fmt: skip
            if refused.code == "missing-argument" and "selector" in refused.message:
                raise self._no_selector(text) from None
            raise

    def _no_selector(self, text: str) -> Refused:
        if self.scorer is None:
            return Refused("no-selector", f"{text} needs a grader that chooses", "--strategy",
                           f"write {text}(selector=judge), or another grader")  # fmt: skip
        return Refused("no-selector", f"{text} needs a grader that chooses, and that of this task sees the answers",
                       "--selector", "give --selector judge, or another grader; the task's own, by name, makes an oracle: "
                       "a bound, drawn apart")  # fmt: skip

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
        return _own(task, count, grader, reader, allow_code=allow_code)
    if reader is not None:
        raise Refused("no-reader", f"{task} reads its own answers", "--read", "leave it out")
    posed = replace(posed, allow_code=allow_code)
    return posed if grader is None else replace(posed, scorer=posed.grader(grader))


def _built_in(task: Task, count: int, difficulty: int | None) -> Posed:
    graders = {"answer": answer_grader(task), "steps": step_grader(task), SO_FAR: step_grader(task, unfinished=True)}
    problems = tuple(task.problems(count, difficulty=difficulty))
    return Posed(task.name, problems, scorer_of(task), graders, task.arguments)


def _own(path: str, count: int | None, grader: str | None, reader: str | None, *, allow_code: bool) -> Posed:
    """Answers are read as the user says, or else as the grader reads them."""
    if not Path(path).suffix and not Path(path).exists():
        names = ", ".join(nearest_names(path, [*list_tasks(), SIMULATED]))
        raise Refused("unknown-task", f"no task is called {path!r}, and there is no such file", "TASK",
                      f"the nearest are {names}; problems of yours are a file of JSON lines")  # fmt: skip
    scorer = None if grader is None else find_grader(grader, allow_code=allow_code)
    read = find_reader(reader) if reader is not None else scorer.read if scorer is not None else None
    return Posed(path, tuple(read_problems(path, limit=count, read=read)), scorer, allow_code=allow_code)
