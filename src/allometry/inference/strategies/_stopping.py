"""How sure it is, from the votes so far, which of two answers is the more common one."""

from __future__ import annotations

import math


def certainty(first: int, second: int) -> float:
    """The chance that an answer with so many votes is more common than one with so many, each share as likely beforehand.

    That is P(Beta(first+1, second+1) > 1/2), for whole numbers a binomial's.

    >>> certainty(4, 0), certainty(2, 2)
    (0.96875, 0.5)
    """
    total = first + second + 1
    return sum(math.comb(total, k) for k in range(first + 1)) / 2**total
