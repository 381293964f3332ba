"""Long-horizon execution: keep a small state right through many updates, each easy by itself.

Update a state of three digits, modulo 10, again and again.

    Ha4b7c2:a+3,c-3:   prompt: the state and the updates
    a7b7c2             the state after each update
    a7b7c9
    =a7b7c9            the answer

The difficulty is how many updates there are: each is equally easy, so what falls with length is execution, not skill.
`measure_horizon` tells how long a run of right steps can be expected.

>>> from allometry.inference.tasks import Problem
>>> data = {"start": "a4b7c2", "updates": ["a+3", "c-3"]}
>>> problem = Problem("1", "Ha4b7c2:a+3,c-3:", "a7b7c9", data, read=final_line)
>>> solution = "a7b7c2\\na7b7c9\\n=a7b7c9\\n"
>>> TASK.right_answer(problem, solution), TASK.check_steps(problem, solution)
(True, Steps(right=3, wrong=False, ended=True))
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from allometry.inference.tasks.task import FINAL_LINE, Data, Example, Steps, Task, final_line, is_answer, written
from allometry.notices import Refused

KEYS, DIGITS = "abc", 10


def draw(rng: random.Random, difficulty: int) -> Example:
    """As many updates as the difficulty says, of three digits that count modulo 10."""
    start = [rng.randrange(DIGITS) for _ in KEYS]
    updates = [f"{rng.choice(KEYS)}{rng.choice('+-')}{rng.randrange(1, DIGITS)}" for _ in range(difficulty)]
    states = [shown(start)]
    for update in updates:
        states.append(updated(states[-1], update))
    data = {"start": states[0], "updates": updates}
    prompt = f"H{states[0]}:{','.join(updates)}:"
    return Example(prompt, data, states[-1], written([*states[1:], f"={states[-1]}"]))


def shown(state: Sequence[int]) -> str:
    """A state as text.

    >>> shown([4, 7, 2])
    'a4b7c2'
    """
    return "".join(f"{key}{value}" for key, value in zip(KEYS, state, strict=True))


def updated(state: str, update: str) -> str:
    """The state after an update.

    >>> updated("a4b7c2", "c-3")
    'a4b7c9'
    """
    at = state.index(update[0]) + 1
    value = (int(state[at]) + int(update[1:])) % DIGITS
    return f"{state[:at]}{value}{state[at + 1 :]}"


def right_line(data: Data, before: Sequence[str], line: str) -> bool:
    """Whether a line is the state after the next update, or ends with the state where no update is left."""
    state = before[-1] if before else data["start"]
    if len(before) == len(data["updates"]):
        return line == f"={state}"
    return len(before) < len(data["updates"]) and line == updated(state, data["updates"][len(before)])


def tokens(difficulty: int) -> int:
    """A state takes 7 characters with its newline, the last line 8."""
    return (2 * len(KEYS) + 1) * (difficulty + 1) + 1 + 1


class Horizon(NamedTuple):
    """The share of steps that are right among those that follow right ones, of how many steps, and the horizon."""

    step_accuracy: float
    steps: int
    length: float


def measure_horizon(found: Iterable[Steps], success: float = 0.5) -> Horizon:
    """Step accuracy and the horizon that it means: the number of steps that are all right with a chance of `success`.

    Use it on the steps of a task checked by `Task.check_steps`. A text counts until its first wrong step; one that was
    cut off counts its right ones. Not where steps grow harder along the way: it takes them as alike.
    Errors: `Refused` where there is no step, or for a chance that is not between 0 and 1.
    Source: Sinha et al. 2025, arXiv 2509.09677: ln(success) / ln(step accuracy) (recalled).

    >>> found = measure_horizon([Steps(9, True, False), Steps(10, False, True)])
    >>> found.step_accuracy, found.steps, round(found.length, 2)
    (0.95, 20, 13.51)
    """
    if not 0 < success < 1:
        raise Refused("no-such-chance", f"{success} is no chance between 0 and 1", "success", "take 0.5")
    texts = list(found)
    right, wrong = sum(text.right for text in texts), sum(text.wrong for text in texts)
    if not right + wrong:
        raise Refused("no-steps", "a horizon needs at least one step", "the texts", "give texts with whole lines")
    accuracy = right / (right + wrong)
    length = math.inf if accuracy == 1 else 0.0 if accuracy == 0 else math.log(success) / math.log(accuracy)
    return Horizon(accuracy, right + wrong, length)


TASK = Task(
    "horizon", draw, right_line, final_line, is_answer, tokens, difficulty=8, easiest=1, hardest=64,
    arguments=FINAL_LINE,
)  # fmt: skip
