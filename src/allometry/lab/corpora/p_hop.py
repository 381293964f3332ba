"""p-hop induction: go back from the end of a sequence, hop by hop, for what a model does in loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allometry.lab.corpus import Corpus
from allometry.lab.records import LETTERS, exercises, text
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

_WHERE = "[corpus]"


def read(*, hops: int = 4, letters: int = 4, length: int = 48, examples: int = 20_000, seed: int = 0) -> Corpus:
    """`examples` sequences such as `abcbdacb>d`, and a twentieth as many held out.

    A hop goes from a letter to the one that followed it where it last stood before; the first starts at the last letter,
    and the answer is the letter at which the last hop arrives. Sequences hold no letter twice in a row, and are of those
    in which so many hops can be made. A model needs depth that grows as the logarithm of the hops (Sanford et al. 2024,
    arXiv 2402.09268). The accuracy of a run is the share of right answers, to hold beside what the last letter alone
    gives, which `known` says.
    Errors: `Refused` for sequences too short for so many hops, for fewer than 3 or more than 52 letters.
    """
    check_above_zero("hops", hops, _WHERE)
    if not 3 <= letters <= len(LETTERS):
        raise Refused("bad-value", f"`letters` must be from 3 to {len(LETTERS)}, not {letters}", _WHERE)
    # A hop goes back by letters - 1 places in the mean, and the last must find its letter again.
    if length < letters * (hops + 1):
        raise Refused("too-short", f"{length} letters are too few for {hops} hops", _WHERE,
                      f"give length = {letters * (hops + 1)} or more")  # fmt: skip

    def draw(generator: np.random.Generator, count: int) -> np.ndarray:
        kept, found = [], 0
        while found < count:
            sequences = _sequences(generator, count, letters, length)
            ends = _hopped(sequences, letters, hops)
            records = text(b" " * length + b"> \n", count)
            records[:, :length] = LETTERS[sequences]
            records[:, length + 1] = LETTERS[sequences[np.arange(count), ends]]
            kept.append(records[ends >= 0])
            found += len(kept[-1])
        return np.concatenate(kept)[:count]

    corpus = exercises("p-hop", draw, slice(length + 1, length + 2), examples, seed)
    records = corpus.train.reshape(-1, length + 3)
    alone = _by_last_letter(records[:, length - 1], records[:, length + 1], letters)
    return replace(corpus, known=(*corpus.known, f"the last letter alone gives {alone:.1%} of the answers"))


def _by_last_letter(last: np.ndarray, answers: np.ndarray, letters: int) -> float:
    """The share of answers that are right by a rule of the last letter alone: it again, or any one other.

    Letters are alike, so that no rule of that kind is better.
    """
    same = float((last == answers).mean())
    return max(same, (1 - same) / (letters - 1))


def _sequences(generator: np.random.Generator, count: int, letters: int, length: int) -> np.ndarray:
    """Numbers of letters (count, length), each other than the one before it."""
    moves = generator.integers(1, letters, (count, length))
    moves[:, 0] = generator.integers(0, letters, count)
    return np.cumsum(moves, axis=1) % letters


def _hopped(sequences: np.ndarray, letters: int, hops: int) -> np.ndarray:
    """The place (count,) that the last hop arrives at; -1 where there are fewer hops."""
    count, length = sequences.shape
    rows, last = np.arange(count), np.full((count, letters), -1)
    hop = np.empty((count, length + 1), dtype=np.int64)
    hop[:, length] = -1  # read by those that are at -1 already: from nowhere there is no hop
    for place in range(length):
        letter = sequences[:, place]
        before = last[rows, letter]
        hop[:, place] = np.where(before >= 0, before + 1, -1)
        last[rows, letter] = place
    at = np.full(count, length - 1)
    for _ in range(hops):
        at = hop[rows, at]
    return at
