"""What a table of samples or of budgets comes to in one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry import runs
from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]


def pass_at_k(samples: int, right: int, k: int) -> float:
    """The chance that one of k samples is right, estimated without bias from `samples` of which `right` are.

    Use it where a check tells right from wrong; it is the accuracy of best-of-k with an exact one.
    Errors: `Refused` for more than were drawn.

    >>> round(pass_at_k(4, 1, 2), 12)
    0.5
    """
    _check_drawn(samples, right, k)
    return float(runs.pass_at_k(samples, right, k))


def worst_of_n(samples: int, right: int, n: int) -> float:
    """The chance that all of n samples are right, estimated without bias: what can be relied on.

    Source: Balachandran et al. 2025, arXiv 2504.00294, worst-of-n; without bias as `pass_at_k` is.

    >>> round(worst_of_n(4, 3, 2), 12)
    0.5
    """
    return 1 - pass_at_k(samples, samples - right, n)


def _check_drawn(samples: int, right: int, k: int) -> None:
    if not 0 <= right <= samples or not 1 <= k <= samples:
        raise Refused("bad-samples", f"{k} of {samples} samples with {right} right cannot be", "the metric",
                      "give 0 <= right <= samples and 1 <= k <= samples")  # fmt: skip


def arise(grades: ArrayLike, tokens: ArrayLike) -> float:
    """How well more test-time compute becomes accuracy, problem by problem; what gets worse counts against it.

    Use it beside the mean accuracies, which hide that answers flip. A step from wrong to right counts the share of
    tokens before to after, one from right to wrong the negative of its inverse.
    Arguments: `grades` and `tokens`, both (problems, budgets), budgets rising; steps where no tokens were used count
    nothing. Source: Yin et al. 2025, arXiv 2510.06014, ARISE.

    >>> arise([[0, 1], [1, 0]], [[100, 200], [100, 200]])
    -0.75
    """
    right, used = _table(grades, tokens)
    change, before, after = np.diff(right), used[:, :-1], used[:, 1:]
    counted = (before > 0) & (after > 0)
    ratio = np.where(counted, before, 1.0) / np.where(counted, after, 1.0)
    return float(np.where(counted, change * ratio ** np.sign(change), 0.0).sum(axis=1).mean())


def scaling_slope(grades: ArrayLike, tokens: ArrayLike) -> float:
    """The mean gain in accuracy for each token more, from the smallest budget to the largest; 0 where none was used.

    Source: Yin et al. 2025, arXiv 2510.06014, the metric that ARISE is compared with.

    >>> scaling_slope([[0, 1], [1, 1]], [[100, 200], [100, 200]])
    0.005
    """
    right, used = _table(grades, tokens)
    more = float(used[:, -1].mean() - used[:, 0].mean())
    return float(right[:, -1].mean() - right[:, 0].mean()) / more if more > 0 else 0.0


def efficiency(accuracy: float, tokens: float) -> float:
    """E3: accuracy times accuracy per token, for the mean of tokens that were generated.

    Use it to rank methods that trade accuracy against length; it has a unit, so compare on the same problems only.
    Source: Lin et al. 2025, arXiv 2505.16122, E^3.

    >>> efficiency(0.5, 100)
    0.0025
    """
    return accuracy**2 / tokens


def token_spread(tokens: Sequence[Sequence[float]]) -> float:
    """The mean over problems of the standard deviation of tokens over the samples of a problem.

    Use it to see how sure the cost of one answer is. Problems with one sample are left out.
    Source: Balachandran et al. 2025, arXiv 2504.00294.

    >>> token_spread([[10, 14], [20, 20]])
    1.0
    """
    spreads = [float(np.std(of_it)) for of_it in tokens if len(of_it) > 1]
    if not spreads:
        raise Refused("one-sample", "a spread needs more than one sample of a problem", "the metric", "draw more seeds")
    return sum(spreads) / len(spreads)


def _table(grades: ArrayLike, tokens: ArrayLike) -> tuple[Array, Array]:
    right, used = np.asarray(grades, dtype=float), np.asarray(tokens, dtype=float)
    if right.ndim != 2 or right.shape != used.shape or right.shape[1] < 2:
        raise Refused("bad-table", f"grades {right.shape} and tokens {used.shape} do not go together", "the metric",
                      "give both as (problems, budgets), with 2 budgets or more")  # fmt: skip
    return right, used
