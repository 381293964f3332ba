"""What many samples come to where a check takes some wrong answers for right: in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ceiling(right: ArrayLike, false_positives: ArrayLike, false_negatives: ArrayLike) -> NDArray[np.float64]:
    """The accuracy that best-of-N tends to with ever more samples, by a check that accepts or rejects.

    Use it for one problem, or for each of many and average: where problems differ, the ceiling of their mean is not
    the mean of their ceilings. Where the check never accepts anything, the answer is any sample.
    Arguments: `right` is the share p of right samples, the rates are those of wrong samples that are accepted (f) and
    of right ones that are rejected (m): p (1 - m) / (p (1 - m) + (1 - p) f).
    Source: Bayes' rule; as the limit of resampling Stroebl et al. 2024, arXiv 2411.17501 (seen in a summary).

    >>> ceiling(0.2, 0.05, 0.1).round(4).item()
    0.8182
    """
    p, wrong, missed = (np.asarray(value, float) for value in (right, false_positives, false_negatives))
    good, bad = p * (1 - missed), (1 - p) * wrong
    passes = good + bad
    found: NDArray[np.float64] = np.where(passes > 0, good / np.where(passes > 0, passes, 1.0), p)
    return found


def accuracy_of_best(
    right: ArrayLike, false_positives: ArrayLike, false_negatives: ArrayLike, samples: ArrayLike
) -> NDArray[np.float64]:
    """The accuracy of the first of N samples that a check accepts, or of the first of all where it accepts none.

    It rises with N to the `ceiling` as long as the check accepts right samples more often than wrong ones: a check of
    constant error rates bounds what samples bring, but it takes scores that rank some wrong ones highest to make more
    of them hurt.

    >>> accuracy_of_best(0.2, 0.0, 0.0, [1, 2, 4]).round(4).tolist()
    [0.2, 0.36, 0.5904]
    """
    p, wrong, missed, n = (np.asarray(v, float) for v in (right, false_positives, false_negatives, samples))
    rejects = p * missed + (1 - p) * (1 - wrong)
    among = np.where(rejects > 0, p * missed / np.where(rejects > 0, rejects, 1.0), 0.0)
    found: NDArray[np.float64] = ceiling(p, wrong, missed) * (1 - rejects**n) + among * rejects**n
    return found
