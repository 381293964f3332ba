"""Sums of several numbers, for what a model works out in depth: the more numbers, the more steps."""

from __future__ import annotations

import numpy as np

from allometry.lab.corpus import Corpus
from allometry.lab.records import exercises, text
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

MOST_OPERANDS, MOST_DIGITS = 1000, 15  # whose sums are exact in 64 bits


def read(*, operands: int = 4, digits: int = 3, examples: int = 20_000, seed: int = 0) -> Corpus:
    """`examples` sums such as `012+345+678=1035`, all of the same length, and a twentieth as many held out.

    The digits of the numbers are even draws. Difficulty is how many `operands` there are (n-ary addition; Saunshi et
    al. 2025, arXiv 2502.17416, go to 32). The accuracy of a run is the share of sums that are right to the last digit.
    Errors: `Refused` for fewer than two operands, for numbers too long, and for too few sums to hold some out.
    """
    check_above_zero("digits", digits, "[corpus]")
    if not 2 <= operands <= MOST_OPERANDS or digits > MOST_DIGITS:
        raise Refused("bad-value", f"{operands} operands of {digits} digits make no sum here", "[corpus]",
                      f"give from 2 to {MOST_OPERANDS} operands of at most {MOST_DIGITS} digits")  # fmt: skip
    prompt, length = operands * (digits + 1), len(str(operands * (10**digits - 1)))

    def draw(generator: np.random.Generator, count: int) -> np.ndarray:
        numbers = generator.integers(0, 10**digits, (count, operands))
        records = text(b"+".join([b"0" * digits] * operands) + b"=" + b"0" * length + b"\n", count)
        for operand in range(operands):
            records[:, operand * (digits + 1) :][:, :digits] += _digits(numbers[:, operand], digits)
        records[:, prompt : prompt + length] += _digits(numbers.sum(axis=1), length)
        return records

    return exercises("addition", draw, slice(prompt, prompt + length), examples, seed)


def _digits(numbers: np.ndarray, count: int) -> np.ndarray:
    """The decimal digits (n, count) of whole numbers, the highest first."""
    return (numbers[:, None] // 10 ** np.arange(count - 1, -1, -1) % 10).astype(np.uint8)
