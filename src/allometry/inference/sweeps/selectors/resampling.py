"""A curve over N with the chance of other problems in it: which N may be the best, and whether the last is worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from allometry.inference.sweeps.selectors.graded import Array
from allometry.notices import Interval

DRAWS, FEWEST = 2000, 10
_NOTHING = 1e-12


class Resampled(NamedTuple):
    """Means (counts,) over problems, those of problems drawn anew (draws, counts), and how many groups there are."""

    means: Array
    drawn: Array
    groups: int


def resampled_means(values: Array, groups: Sequence[str], seed: int = 0) -> Resampled:
    """Means of a table (problems, columns) with whole groups drawn anew, with replacement."""
    weights, codes = group_weights(groups, DRAWS, seed)
    sizes = np.bincount(codes).astype(float)
    sums = np.stack([np.bincount(codes, column) for column in values.T], axis=1)
    return Resampled(values.mean(0), weights @ sums / (weights @ sizes)[:, None], len(sizes))


def group_weights(
    groups: Sequence[str], draws: int, seed: int = 0
) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.int_]]]:
    """How often each group is drawn (draws, groups), and the group of each problem by number."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    count = int(codes.max()) + 1
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), draws).astype(float)
    return weights, codes


def peak_of(counts: Sequence[int], found: Resampled, level: float) -> tuple[Interval, bool, Interval]:
    """The best N with all that may be, whether the last is worse, and by how much; all pairs at once.

    Source: the largest of studentised differences, as Romano and Wolf 2005, Econometrica 73(4) (recalled); those N of
    which none is shown to be better form the set that holds the best.
    """
    best, last = int(found.means.argmax()), len(counts) - 1
    if found.groups < FEWEST:
        why = f"cannot be told from fewer than {FEWEST} groups of problems"
        gap = float(found.means[last] - found.means[best])
        return Interval(counts[best], why=why), False, Interval(gap, why=why)
    gaps = found.means[:, None] - found.means[None, :]
    spread = found.drawn[:, :, None] - found.drawn[:, None, :]
    errors = spread.std(0)
    sure = errors > _NOTHING
    scaled = np.abs(spread - gaps) / np.where(sure, errors, 1.0)
    most = float(np.quantile(np.where(sure, scaled, 0.0).max((1, 2)), level))
    worse = (gaps > most * errors) & (gaps > _NOTHING)  # [i, j]: j is worse than i
    maybe = np.flatnonzero(~worse.any(0))
    hurts = last not in maybe
    half = most * float(errors[last, best])
    loss = float(gaps[last, best])
    samples = Interval(counts[best], counts[maybe[0]], counts[maybe[-1]] if hurts else None,
                       "" if hurts else "may lie beyond what was measured")  # fmt: skip
    return samples, hurts, Interval(loss, loss - half, loss + half)
