"""Chains of arithmetic with a prime modulus, worked out step by step.

Operations one after another, from the left, modulo 97.

    A12+34*5:      prompt: the start and the operations
    12+34=46       one operation a line
    46*5=36
    =36            the answer

The difficulty is how many operations there are. It is scored by every step: a final number alone can be right by
mistakes that cancel, or by chance (one in 97).

>>> from allometry.inference.tasks import Problem
>>> problem = Problem("1", "A12+34*5:", "36", {"start": 12, "steps": [["+", 34], ["*", 5]]}, read=final_line)
>>> solution = "12+34=46\\n46*5=36\\n=36\\n"
>>> TASK.right_answer(problem, solution), TASK.check_steps(problem, solution)
(True, Steps(right=3, wrong=False, ended=True))
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from allometry.inference.tasks.task import FINAL_LINE, Data, Example, Task, final_line, is_answer, written

# A prime: every operation can be undone, so that a wrong value is not made right again by what follows.
MODULUS = 97


def draw(rng: random.Random, difficulty: int) -> Example:
    """As many operations as the difficulty says, on numbers from 1 to 96."""
    start = rng.randrange(1, MODULUS)
    steps = [(rng.choice("+-*"), rng.randrange(1, MODULUS)) for _ in range(difficulty)]
    prompt = f"A{start}" + "".join(f"{sign}{number}" for sign, number in steps) + ":"
    value, lines = start, []
    for sign, number in steps:
        value, before = compute(value, sign, number), value
        lines.append(f"{before}{sign}{number}={value}")
    return Example(
        prompt, {"start": start, "steps": [list(step) for step in steps]}, f"{value}", written([*lines, f"={value}"])
    )


def compute(first: int, sign: str, second: int) -> int:
    """One operation modulo 97.

    >>> compute(46, "*", 5), compute(2, "-", 5)
    (36, 94)
    """
    return {"+": first + second, "-": first - second, "*": first * second}[sign] % MODULUS


def right_line(data: Data, before: Sequence[str], line: str) -> bool:
    """Whether a line does the next operation on the last result, or ends with it where no operation is left."""
    value = before[-1].rpartition("=")[2] if before else f"{data['start']}"
    if len(before) == len(data["steps"]):
        return line == f"={value}"
    if len(before) > len(data["steps"]):
        return False
    sign, number = data["steps"][len(before)]
    return line == f"{value}{sign}{number}={compute(int(value), sign, number)}"


def tokens(difficulty: int) -> int:
    """A step of numbers below 97 takes 9 characters with its newline, the last line 4."""
    return 9 * difficulty + 4 + 1


TASK = Task("chain", draw, right_line, final_line, is_answer, tokens, difficulty=6, easiest=1, hardest=32,
            scored_by="steps", arguments=FINAL_LINE)  # fmt: skip
