"""Countdown: reach a target from numbers, using each once. Any right way counts, and anybody can check it.

Reach a target from numbers, each used once, by operations whose results are whole and positive.

    C2,14,25,29>55:          prompt: numbers, target
    29-14=15:2,15,25         an operation, and the numbers left, in order
    2*15=30:25,30
    25+30=55:55              ended: one number is left, and it is the target

The difficulty is how many numbers there are. The answer is checked by the target, not against a solution, so best-of-N
by its check is honest: a user could do the same. Source: the game as in Gandhi et al. 2024, arXiv 2404.03683 (recalled).

>>> problem = Problem("1", "C2,14,25,29>55:", data={"numbers": [2, 14, 25, 29], "target": 55})
>>> solution = "29-14=15:2,15,25\\n2*15=30:25,30\\n25+30=55:55\\n"
>>> TASK.right_answer(problem, solution), TASK.check_steps(problem, solution)
(True, Steps(right=3, wrong=False, ended=True))
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from allometry.inference.tasks.problem import Problem
from allometry.inference.tasks.task import Data, Example, Task, written

LARGEST_GIVEN, LARGEST, SMALLEST_TARGET = 30, 99, 10
NUMBER = "[1-9][0-9]{0,3}"
LINE = re.compile(rf"({NUMBER})([-+*/])({NUMBER})=({NUMBER}):({NUMBER}(?:,{NUMBER})*)")


def draw(rng: random.Random, difficulty: int) -> Example:
    """As many numbers as the difficulty says, from 1 to 30, and a target from 10 to 99 that can be reached."""
    while True:
        numbers = sorted(rng.randint(1, LARGEST_GIVEN) for _ in range(difficulty))
        left, lines = numbers, []
        while len(left) > 1:
            line, left = _combine(rng, left)
            lines.append(line)
        target = left[0]
        if target >= SMALLEST_TARGET and target not in numbers:
            prompt = f"C{_listed(numbers)}>{target}:"
            return Example(prompt, {"numbers": numbers, "target": target}, None, written(lines))


def _combine(rng: random.Random, numbers: Sequence[int]) -> tuple[str, list[int]]:
    """One operation that stays between 1 and 99; there always is one: the larger number less or over the smaller."""
    while True:
        i, j = rng.sample(range(len(numbers)), 2)
        large, small = max(numbers[i], numbers[j]), min(numbers[i], numbers[j])
        sign = rng.choice("+-*/")
        value = compute(large, sign, small)
        if value is None or value > LARGEST:
            if large == small:  # their quotient is 1
                sign, value = "/", 1
            else:
                continue
        left = sorted([n for k, n in enumerate(numbers) if k not in (i, j)] + [value])
        return f"{large}{sign}{small}={value}:{_listed(left)}", left


def compute(first: int, sign: str, second: int) -> int | None:
    """The result of one operation; None where it is no positive whole number.

    >>> compute(29, "-", 14), compute(7, "/", 2), compute(2, "-", 2)
    (15, None, None)
    """
    if sign == "/":
        return first // second if second and first % second == 0 and first else None
    value = {"+": first + second, "-": first - second, "*": first * second}[sign]
    return value if value > 0 else None


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def right_line(data: Data, before: Sequence[str], line: str) -> bool:
    """Whether a line takes two of the numbers that are left, computes right and lists, in order, what is left then."""
    left = [int(n) for n in before[-1].rpartition(":")[2].split(",")] if before else data["numbers"]
    after = _apply(line, left)
    if after is None or line.rpartition(":")[2] != _listed(after):
        return False
    return len(after) > 1 or after[0] == data["target"]


def _apply(line: str, left: Sequence[int]) -> list[int] | None:
    """The numbers that are left after the operation of a line, in order; None where it cannot be done."""
    found = LINE.fullmatch(line)
    if found is None:
        return None
    first, second, value = (int(found[k]) for k in (1, 3, 4))
    after = list(left)
    for number in (first, second):
        if number not in after:
            return None
        after.remove(number)
    return sorted([*after, value]) if compute(first, found[2], second) == value else None


def read(text: str) -> str | None:
    """The operations of a way that leaves one number, in one order, so that the same way in another order is the same.

    >>> read("6*8=48:3,48\\n3+48=51:51\\n")
    '3+48=51 6*8=48'
    """
    lines = [LINE.fullmatch(line) for line in text.split("\n")[:-1]]
    if not lines or lines[-1] is None or "," in lines[-1][5]:
        return None
    return " ".join(sorted(_operation(found) for found in lines if found is not None))


def _operation(found: re.Match[str]) -> str:
    first, second = found[1], found[3]
    if found[2] in "+*":
        first, second = sorted((first, second), key=int)
    return f"{first}{found[2]}{second}={found[4]}"


def right_answer(problem: Problem, text: str) -> bool:
    """Whether the operations use each number once and reach the target, whatever a line lists as left."""
    left: list[int] | None = list(problem.data["numbers"])
    for line in text.split("\n")[:-1]:
        left = None if left is None else _apply(line, left)
    return left == [problem.data["target"]]


def tokens(difficulty: int) -> int:
    """An operation of numbers up to 99 takes 9 characters with its signs, each number left 3 with what follows it."""
    lefts = range(1, difficulty)
    return sum(9 + 3 * left for left in lefts) + 1


# The operations are the answer: there is no thinking apart from it, and what is forced to end goes on as it is.
TASK = Task(
    "countdown", draw, right_line, read, right_answer, tokens, difficulty=4, easiest=2, hardest=8, oracle=False,
    arguments={"budget_forcing": {"opening": "", "end": "", "final": ""}, "no_thinking": {"thought": ""}},
)  # fmt: skip
