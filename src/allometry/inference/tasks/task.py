"""What a built-in task is: problems of any difficulty from a seed, and exact checks of an answer and of every line."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from zlib import crc32

from allometry.inference.tasks.problem import Problem
from allometry.notices import Refused

Data = Mapping[str, Any]
# One prompt in eight is for measuring; a model that is trained on the others has seen none of them.
HELD_OUT = 8
# Of solutions whose last line is "=" and the answer: what goes before is the thinking.
FINAL_LINE: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "budget_forcing": {"opening": "", "end": "\n=", "final": "", "wait": "\n"},
    "no_thinking": {"thought": "="},
})  # fmt: skip


class Example(NamedTuple):
    """A problem with one right solution, every line of which ends with a newline."""

    prompt: str
    data: Data
    answer: str | None
    solution: str


class Steps(NamedTuple):
    """How far a text is right: so many right lines from its start, whether a wrong one follows, whether it is whole."""

    right: int
    wrong: bool
    ended: bool


@dataclass(frozen=True)
class Task:
    """Problems of one kind, made from a seed, with exact checks.

    Arguments: `draw(rng, difficulty)` makes an example of a difficulty between `easiest` and `hardest`. A solution is
    written in lines, each with its newline; what has none is not a line yet. `right_line(data, before, line)` says
    whether a line is right behind right lines. `read(text)` takes the final answer out, None while there is none.
    `right_answer(problem, text)` decides by the final answer alone; `oracle` where it looks at the problem's own.
    `tokens(difficulty)` is the longest solution with its end, in characters. `scored_by` names the check by which the
    task is scored if not told otherwise. `arguments` are what strategies need to know of how solutions are written,
    by strategy.
    """

    name: str
    draw: Callable[[random.Random, int], Example]
    right_line: Callable[[Data, Sequence[str], str], bool]
    read: Callable[[str], Hashable | None]
    right_answer: Callable[[Problem, str], bool]
    tokens: Callable[[int], int]
    difficulty: int
    easiest: int
    hardest: int
    oracle: bool = True
    scored_by: Literal["answer", "steps"] = "answer"
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def problems(self, count: int, *, seed: int = 0, difficulty: int | None = None) -> list[Problem]:
        """The first problems of a seed: those of a smaller count are the first of a larger one.

        Errors: `Refused` for a difficulty that the task does not have.

        >>> from allometry.inference.tasks import find_task
        >>> find_task("lookup").problems(1, seed=3, difficulty=2)[0].id
        'lookup-2-3-0'
        """
        chosen = self._difficulty(difficulty)
        examples = self.examples(seed, chosen)
        return [self._problem(f"{self.name}-{chosen}-{seed}-{i}", next(examples), chosen) for i in range(count)]

    def examples(self, seed: int, difficulty: int | None = None, *, held_out: bool = True) -> Iterator[Example]:
        """Examples without end: the held-out ones, of which problems are made, or those to train on."""
        chosen = self._difficulty(difficulty)
        rng = random.Random(f"{self.name} {chosen} {seed} {held_out}")
        while True:
            example = self.draw(rng, chosen)
            if (crc32(example.prompt.encode()) % HELD_OUT == 0) == held_out:
                yield example

    def _difficulty(self, difficulty: int | None) -> int:
        chosen = self.difficulty if difficulty is None else difficulty
        if not self.easiest <= chosen <= self.hardest:
            raise Refused("no-such-difficulty", f"{self.name} has no difficulty {chosen}", "the task",
                          f"take one from {self.easiest} to {self.hardest}")  # fmt: skip
        return chosen

    def _problem(self, name: str, example: Example, difficulty: int) -> Problem:
        tokens = self.tokens(difficulty)
        return Problem(name, example.prompt, example.answer, example.data, sample_tokens=tokens, read=self.read)

    def check_steps(self, problem: Problem, text: str) -> Steps:
        """How far a text is right by every line. An unfinished last line is neither right nor wrong.

        >>> from allometry.inference.tasks import find_task
        >>> chain = find_task("chain")
        >>> problem = Problem("1", "A12+34*5:", "36", {"start": 12, "steps": [["+", 34], ["*", 5]]})
        >>> chain.check_steps(problem, "12+34=46\\n46*5=37\\n=37\\n")
        Steps(right=1, wrong=True, ended=False)
        """
        lines = text.split("\n")[:-1]
        for i, line in enumerate(lines):
            if not self.right_line(problem.data, lines[:i], line):
                return Steps(i, True, False)
        whole = self.read(text) is not None and text.endswith("\n")
        return Steps(len(lines), False, whole)


def final_line(text: str) -> str | None:
    """What stands behind "=" in the last whole line, where that begins with it; None elsewhere.

    >>> final_line("12+34=46\\n=46\\n"), final_line("12+34=46\\n"), final_line("=4")
    ('46', None, None)
    """
    lines = text.split("\n")[:-1]
    return lines[-1][1:] if lines and lines[-1].startswith("=") and len(lines[-1]) > 1 else None


def is_answer(problem: Problem, text: str) -> bool:
    """Whether the answer that is read out of a text is the problem's own."""
    return problem.answer is not None and problem.read(text) == problem.answer


def written(lines: Sequence[str]) -> str:
    """Lines as a solution has them."""
    return "".join(f"{line}\n" for line in lines)
