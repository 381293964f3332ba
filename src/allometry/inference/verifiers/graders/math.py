"""`math`: equal in mathematics, by a library that reads LaTeX."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, SimpleQueue

from allometry.inference.calls import Response
from allometry.inference.tasks import READERS, Problem
from allometry.inference.verifiers.grader import Grader, answer_text, grader, no_answer
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.notices import Refused

LIBRARY = "math_verify"
# The first call loads the library; any other that takes as long is no comparison that will end.
SECONDS_TO_LOAD, SECONDS = 60.0, 5.0


def make(argument: str) -> Grader:
    """Right where the last formula of the text equals the answer in mathematics: 1/2, 0.5 and \\frac{1}{2} are one.

    Needs math-verify, `pip install 'allometry[math]'`. It runs in a process of its own: what takes it over 5 seconds
    is wrong. Votes are read from the last box, and are not compared in mathematics.
    Source: math-verify, https://github.com/huggingface/Math-Verify.
    """
    if find_spec(LIBRARY) is None:
        raise Refused("extra-needed", "the grader math needs math-verify", mend="pip install 'allometry[math]'")

    def math(problem: Problem, response: Response) -> bool:
        return _comparer().equal(answer_text(problem), response.content)

    return replace(grader("math", "exact outcome", math, oracle=True), read=READERS["answer"], lacks=no_answer)


@cache
def _comparer() -> Comparer:
    return Comparer()


class Comparer:
    """A process that compares; it is ended, and another begun, when it does not answer in time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._answers: SimpleQueue[str] = SimpleQueue()

    def equal(self, answer: str, text: str) -> bool:
        """Whether a text comes to an answer; not, where that cannot be told in time."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._begin()
            told = self._ask({"answer": answer, "text": text}, SECONDS)
        return told == "true"

    def _begin(self) -> None:
        worker = str(Path(__file__).with_name("_math_worker.py"))
        self._process = subprocess.Popen(
            [sys.executable, "-I", worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, encoding="utf-8",
        )  # fmt: skip
        self._answers = SimpleQueue()
        threading.Thread(target=_listen, args=(self._process, self._answers), daemon=True).start()
        if self._ask({"answer": "1", "text": "1"}, SECONDS_TO_LOAD) != "true":
            raise Refused("extra-broken", "math-verify does not know that 1 is 1", "the grader math", "install it anew")

    def _ask(self, question: dict[str, str], seconds: float) -> str:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            return self._answers.get(timeout=seconds)
        except (Empty, OSError):
            process.kill()
            process.wait()
            return ""


def _listen(process: subprocess.Popen[str], answers: SimpleQueue[str]) -> None:
    """Hand on what a process says, and nothing when it ends."""
    assert process.stdout is not None
    for line in process.stdout:
        answers.put(line.strip())
    answers.put("")


GRADER = GraderMaker("math", make)
