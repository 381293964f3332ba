"""Multi-hop lookup: follow pointers through a table that stands in the prompt.

Follow a table of letters for a number of hops.

    Lak,cf,kc,bd,fa,db>a3:   prompt: the table (a leads to k, c to f, ...), the start, the hops
    ak                       one hop a line
    kc
    cf
    =f                       the answer

The difficulty is how many hops there are.

>>> from allometry.inference.tasks import Problem
>>> data = {"table": ["ak", "cf", "kc", "bd", "fa", "db"], "start": "a", "hops": 3}
>>> problem = Problem("1", "Lak,cf,kc,bd,fa,db>a3:", "f", data, read=final_line)
>>> TASK.right_answer(problem, "ak\\nkc\\ncf\\n=f\\n"), TASK.check_steps(problem, "ak\\nkc\\ncf\\n=f\\n")
(True, Steps(right=4, wrong=False, ended=True))
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

from allometry.inference.tasks.task import FINAL_LINE, Data, Example, Task, final_line, is_answer, written

# Entries beside those that are passed through, so that the last hop is not told by what is left.
OTHERS = 4


def draw(rng: random.Random, difficulty: int) -> Example:
    """As many hops as the difficulty says, in a shuffled table with four entries more than hops.

    The entries form one ring: each letter stands once on each side, and no way comes back to where it was.
    """
    ring = rng.sample(string.ascii_lowercase, difficulty + OTHERS)
    pairs = [f"{a}{b}" for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    lines, answer = pairs[:difficulty], ring[difficulty]
    table = rng.sample(pairs, len(pairs))
    prompt = f"L{','.join(table)}>{ring[0]}{difficulty}:"
    data = {"table": table, "start": ring[0], "hops": difficulty}
    return Example(prompt, data, answer, written([*lines, f"={answer}"]))


def right_line(data: Data, before: Sequence[str], line: str) -> bool:
    """Whether a line is the entry of the letter reached, or ends with that letter after the last hop."""
    reached = before[-1][-1] if before else data["start"]
    if len(before) == data["hops"]:
        return line == f"={reached}"
    return len(before) < data["hops"] and line[:1] == reached and line in data["table"]


def tokens(difficulty: int) -> int:
    """A line takes 3 characters with its newline."""
    return 3 * (difficulty + 1) + 1


TASK = Task(
    "lookup", draw, right_line, final_line, is_answer, tokens, difficulty=5, easiest=1, hardest=22,
    arguments=FINAL_LINE,
)  # fmt: skip
