"""`command`: a program of the user's that is given problem and response as JSON."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allometry.inference.calls import Response, Scope, canonical
from allometry.inference.tasks import Problem
from allometry.inference.verifiers.apart import Ended, Limits, run_apart
from allometry.inference.verifiers.grader import Grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.notices import Refused

LIMITS = Limits(seconds=60, memory=4 << 30)


def make(command: str) -> Grader:
    """What a command says: a number from 0 to 1 on the last line that it prints, or else status 0 for right, 1 for wrong.

    It is given one JSON object on its standard input: `id`, `prompt`, `answer`, `data`, and of the response `content`,
    `reasoning` and `tool_calls`. It runs apart, in an empty folder, without network, for 60 seconds and in 4 GiB for
    each process at most; one that is ended for that grades 0. Files on its command line are found from where you are.
    """
    words = _words(command)

    async def grade(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        async def one(engine: Scope, response: Response) -> float:
            told = {"command": words, "given": _given(problem, response)}
            return _grade(Ended(*await engine.tool("command", told, _run)), command, problem)

        return await engine.map(one, responses)

    return Grader(_name(command, words), "exact outcome", grade, oracle=True, check=_grade)


def _words(command: str) -> list[str]:
    """The words of a command, files among them by their whole paths."""
    mend = "write command:PROGRAM ARGUMENTS, such as command:python check.py"
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Refused("bad-grader", f"the command cannot be read: {error}", "the grader command", mend) from None
    if not words:
        raise Refused("bad-grader", "the command is empty", "the grader command", mend)
    return [str(Path(word).absolute()) if Path(word).is_file() else word for word in words]


def _name(command: str, words: Sequence[str]) -> str:
    """With a hash of the files it names: what another text of them said is another grader's word."""
    held = b"".join(hashlib.sha256(Path(word).read_bytes()).digest() for word in words if Path(word).is_file())
    return f"command:{command}" + (f"@{hashlib.sha256(held).hexdigest()[:8]}" if held else "")


def _given(problem: Problem, response: Response) -> dict[str, Any]:
    return {
        "id": problem.id, "prompt": problem.prompt, "answer": problem.answer, "data": dict(problem.data),
        "content": response.content, "reasoning": response.reasoning, "tool_calls": response.tool_calls,
    }  # fmt: skip


def _run(command: Sequence[str], given: dict[str, Any]) -> Ended:
    return run_apart(command, given=canonical(given), limits=LIMITS)


def _grade(ended: Ended, command: str, problem: Problem) -> float:
    """What a command said; what is no grade stops the sweep, for it is a fault of the command's own."""
    if ended.limited:
        return 0.0
    said = (ended.output.strip().splitlines() or [""])[-1]
    if ended.status == 0 and said:
        grade = _number(said)
        if grade is None:
            raise _refused(f"printed {said!r:.60}", command, problem)
        return grade
    if ended.status not in (0, 1):
        last = (ended.errors.strip().splitlines() or ["and said nothing"])[-1]
        raise _refused(f"ended with status {ended.status}: {last:.200}", command, problem)
    return float(ended.status == 0)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _refused(what: str, command: str, problem: Problem) -> Refused:
    return Refused("bad-grade", f"on problem {problem.id!r} the command {what}", command,
                   "print a number from 0 to 1, or end with status 0 for right and 1 for wrong")  # fmt: skip


GRADER = GraderMaker("command", make, ":PROGRAM ARGUMENTS", runs_code=True)
