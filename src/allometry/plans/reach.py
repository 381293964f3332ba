"""The least FLOPs that reach a loss, for all draws at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.laws import Law
from allometry.plans.allocation import best_split
from allometry.plans.terms import TOKENS, Space

Array = NDArray[np.float64]

# Assumed ends of the search: a second of one core, and a thousand million times the largest run known to us.
LEAST_FLOPS, MOST_FLOPS = 1e9, 1e36


def flops_for(law: Law, draws: Array, loss: float, space: Space) -> Array:
    """FLOPs (B,) at which the best split of each draw (B, P) has that loss.

    Infinite where a draw never reaches it within the limits, the least FLOPs searched where it
    starts below. Loss on the frontier must fall with FLOPs, as it does for every law in which more
    of either never hurts.
    """
    low, high = flops_ends(space)

    def excess(log_flops: Array, index: Array) -> Array:
        return best_split(law, draws[index.astype(int)], np.exp(log_flops), space).loss - loss

    index = np.arange(len(draws), dtype=float)
    start, end = np.full(len(draws), np.log(low)), np.full(len(draws), np.log(high))
    early = excess(start, index) <= 0
    inside = np.flatnonzero(~early & (excess(end, index) <= 0))
    result = np.where(early, low, np.inf)
    if len(inside):
        found = elementwise.find_root(
            lambda x, i: np.nan_to_num(excess(x, i), posinf=1e300),
            (start[inside], end[inside]),
            args=(index[inside],),
            tolerances={"xatol": 1e-10, "xrtol": 1e-13},
        )
        result[inside] = np.exp(found.x)
    return result


def flops_ends(space: Space) -> tuple[float, float]:
    """Ends of the search for FLOPs, within the products of the limits."""
    size, tokens = space.limits[space.size], space.limits[TOKENS]
    if space.options is not None:
        name, values = space.options
        ends = (float(values.min()), float(values.max()))
        size, tokens = (ends, tokens) if name == space.size else (size, ends)
    least, most = (FLOPS_PER_PARAMETER_AND_TOKEN * a * b for a, b in zip(size, tokens, strict=True))
    return max(LEAST_FLOPS, least), min(MOST_FLOPS, most)
