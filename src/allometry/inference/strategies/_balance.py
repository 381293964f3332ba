"""Sharing next steps out among paths by their grades, as reward-balanced search does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

# The published temperature of the shares.
BALANCE = 0.2
# A quotient may come out above a whole number by a rounding.
ROUNDING = 1e-9


def balanced(grades: Sequence[float], width: int, temperature: float) -> list[int]:
    """How many of `width` next steps each path gets: its softmax share of what is left, rounded up, the best first.

    All of the width is given out; the worst may get nothing.
    Source: Wu et al. 2024, arXiv 2408.00724, as the code of arXiv 2502.13575 has it.

    >>> balanced([0.9, 0.5, 0.1], 8, 0.2)
    [7, 1, 0]
    >>> balanced([0.5, 0.5, 0.5], 6, 0.2)
    [2, 2, 2]
    """
    order = sorted(range(len(grades)), key=lambda i: -grades[i])
    top = max(grades, default=0.0)
    weights = [math.exp((grades[i] - top) / temperature) for i in order]
    left = [*accumulate(reversed(weights))][::-1]
    shares, counts = [0] * len(grades), width
    for i, weight, rest in zip(order, weights, left, strict=True):
        # so small a weight is 0 as a number: it takes its part of nothing, or evenly of what is left
        share = weight / rest if rest > 0 else 1.0
        shares[i] = min(counts, math.ceil(counts * share - ROUNDING))
        counts -= shares[i]
    return shares
