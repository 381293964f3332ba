"""Examples of a built-in task, prompt and solution one after another, as bytes."""

from __future__ import annotations

from itertools import islice

import numpy as np

from allometry.inference.tasks import Task, find_task
from allometry.lab.corpus import Corpus, generated
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused


def read(*, task: str, examples: int = 20_000, difficulty: int | None = None, seed: int = 0) -> Corpus:
    """So many `examples` to train on and a twentieth as many held out, whose prompts are in none of the others.

    Errors: `Refused` for a task or difficulty that there is none of, for fewer than 20 examples and a seed below zero.
    """
    if examples < 20:
        raise Refused("few-examples", f"{examples} examples leave none to hold out", "[corpus]", "give 20 or more")
    check_above_zero("seed", seed, "[corpus]", zero=True)
    found = find_task(task)
    train = _text(found, examples, difficulty, seed, held_out=False)
    held_out = _text(found, examples // 20, difficulty, seed, held_out=True)
    return generated(task, np.frombuffer(train, np.uint8), np.frombuffer(held_out, np.uint8))


def _text(task: Task, count: int, difficulty: int | None, seed: int, *, held_out: bool) -> bytes:
    drawn = islice(task.examples(seed, difficulty, held_out=held_out), count)
    return "".join(f"{example.prompt}{example.solution}\n" for example in drawn).encode()
