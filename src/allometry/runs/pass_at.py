"""Pass@k from samples that were drawn, and the exact interval of a share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, gammaln

from allometry.runs.columns import Floats


def pass_at_k(samples: ArrayLike, correct: ArrayLike, k: ArrayLike) -> Floats:
    """Chance that one of k samples solves a problem, estimated without bias from `correct` of `samples`.

    Use it for k up to the samples drawn, their number fixed beforehand. Not where sampling stopped at a success.
    Source: Chen et al. 2021, arXiv 2107.03374, eq. 1: 1 - C(n - c, k) / C(n, k).

    >>> pass_at_k(10, [0, 1, 10], 5).round(12).tolist()
    [0.0, 0.5, 1.0]
    """
    n, c, k = (np.asarray(value, float) for value in (samples, correct, k))
    wrong, rest = n - c, np.maximum(n - c - k, 0.0)
    missed = np.exp(gammaln(wrong + 1) - gammaln(rest + 1) - gammaln(n + 1) + gammaln(n - k + 1))
    return np.where(wrong >= k, 1 - missed, 1.0)


def share_interval(share: float, count: float, level: float) -> tuple[float, float]:
    """The exact interval of a share found among `count` independent problems, which need not be a whole number.

    Source: Clopper and Pearson 1934; for an effective number Korn and Graubard 1998, Survey Methodology 24(2).

    >>> [round(end, 3) for end in share_interval(1.0, 20, 0.9)]
    [0.861, 1.0]
    """
    tail, right, wrong = (1 - level) / 2, share * count, (1 - share) * count
    low = 0.0 if share == 0 else float(betaincinv(right, wrong + 1, tail))
    high = 1.0 if share == 1 else float(betaincinv(right + 1, wrong, 1 - tail))
    return low, high
