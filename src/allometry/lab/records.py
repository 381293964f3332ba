"""Generated corpora of records of one length, with answers that follow from what stands before them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from allometry.lab.corpus import Corpus, generated
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

ASCII = 128
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
HELD_OUT_SHARE = 20  # one for so many to train on
_WHERE = "[corpus]"


def exercises(
    name: str, draw: Callable[[np.random.Generator, int], np.ndarray], answer: slice, examples: int, seed: int
) -> Corpus:
    """A corpus of `examples` records and a twentieth as many held out, whose prompts are in none of the others.

    Arguments: `draw(generator, count)` gives records (count, length) of ASCII bytes; `answer` is where in a record the
    one answer stands, and the prompt is all before it.
    Errors: `Refused` for too few examples, and where there are too few different prompts to hold some out.
    """
    if examples < HELD_OUT_SHARE:
        raise Refused("few-examples", f"{examples} examples leave none to hold out", _WHERE, "give 20 or more")
    check_above_zero("seed", seed, _WHERE, zero=True)
    train = draw(np.random.default_rng([seed, 1]), examples)
    # Twice as many as are needed, of which those that were trained on are left out.
    wanted = examples // HELD_OUT_SHARE
    drawn = draw(np.random.default_rng([seed, 2]), 2 * wanted)
    fresh = drawn[~np.isin(_keys(drawn[:, : answer.start]), _keys(train[:, : answer.start]))][:wanted]
    if len(fresh) < wanted:
        raise Refused("few-prompts", f"of {examples} examples too few prompts are left to hold out", _WHERE,
                      "give fewer examples or harder ones")  # fmt: skip
    marks = np.zeros(train.shape[1], dtype=np.int64)
    marks[answer] = 1
    return of_records(name, train, fresh, marks, f"answers of {marks.sum()} bytes, each with one right one")


def of_records(name: str, train: np.ndarray, held_out: np.ndarray, marks: np.ndarray, *known: str) -> Corpus:
    """A corpus of records (count, length); `marks` (length,) number the answers in a record from 1; -1 is a name, 0 all else."""
    length = train.shape[1]
    numbers = np.arange(len(held_out))[:, None] * marks.max() + marks
    answers = np.where(marks > 0, numbers, marks).ravel()
    told = f"records of {length} bytes; a context must be a multiple of that, so that none is cut in two"
    return generated(
        name, train.ravel(), held_out.ravel(), vocab=ASCII, answers=answers, record=length, known=(told, *known)
    )


def text(template: bytes, count: int) -> np.ndarray:
    """So many copies (count, length) of a record that is to be filled in."""
    return np.tile(np.frombuffer(template, dtype=np.uint8), (count, 1))


def _keys(rows: np.ndarray) -> np.ndarray:
    """One value for each row, equal where the rows are."""
    return np.ascontiguousarray(rows).view(f"V{rows.shape[1]}").ravel()
