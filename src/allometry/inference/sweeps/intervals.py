"""Intervals of accuracies and of their differences, over problems that may come in groups."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Interval, Refused
from allometry.runs import share_interval

Array: TypeAlias = NDArray[np.float64]
ONE_GROUP = "all problems are of one group, which says nothing of another"


def accuracy_interval(grades: Sequence[float], groups: Sequence[str], level: float = 0.9) -> Interval:
    """A mean grade with the interval in which that of other problems of the same kind lies.

    Use it for grades from 0 to 1. Problems of one group rise and fall together, and so do the samples of one problem:
    the interval is the exact one of so many independent problems as would have the variance between groups, so it
    never vanishes where all were right. Groups are what was drawn from the world: with few of them it is wide.
    Arguments: `grades` (n,), `groups` (n,) by name; samples of a problem without a group share the problem's name.
    Source: Korn and Graubard 1998, Survey Methodology 24(2).

    >>> accuracy_interval([1.0] * 20, [str(i) for i in range(20)])
    Interval(value=1.0, low=0.860..., high=1.0, why='')
    """
    from scipy.special import stdtrit

    values = np.asarray(grades, dtype=float)
    mean, count = float(values.mean()), len(values)
    sums, sizes = _by_group(values, groups)
    if len(sums) < 2:
        return Interval(mean, why=ONE_GROUP)
    variance = _variance(sums - mean * sizes, count)
    alike = count if 0 < mean < 1 else len(sums)  # where nothing varies: as if all, or all groups, were independent
    effective = min(mean * (1 - mean) / variance, count) if variance > 0 else alike
    tail = (1 - level) / 2
    if len(sums) < count:
        effective *= (stdtrit(count - 1, tail) / stdtrit(len(sums) - 1, tail)) ** 2
    return Interval(mean, *share_interval(mean, effective, level))


def mean_interval(values: Sequence[float], groups: Sequence[str], level: float = 0.9) -> Interval:
    """A mean of any numbers (tokens, seconds, differences) with its interval over other problems: Student's t between groups.

    Use it for what has no bounds; `accuracy_interval` for grades. With few groups and long tails it is too narrow.

    >>> mean_interval([10.0, 12.0, 14.0], ["a", "b", "c"])
    Interval(value=12.0, low=8.62..., high=15.37..., why='')
    """
    from scipy.special import stdtrit

    numbers = np.asarray(values, dtype=float)
    mean, count = float(numbers.mean()), len(numbers)
    sums, sizes = _by_group(numbers, groups)
    if len(sums) < 2:
        return Interval(mean, why=ONE_GROUP)
    half = -float(stdtrit(len(sums) - 1, (1 - level) / 2)) * math.sqrt(_variance(sums - mean * sizes, count))
    return Interval(mean, mean - half, mean + half)


def difference_interval(
    ours: Mapping[str, float], theirs: Mapping[str, float], groups: Mapping[str, str], level: float = 0.9
) -> Interval:
    """How much higher our mean grade is than theirs on the problems that both have, with its interval.

    Use it to compare strategies that ran on the same problems: what makes a problem hard for both cancels.
    Arguments: grades by problem, and the group of each problem (its own name where it has none).
    Source: Agresti and Min 2005, Statistics in Medicine 24(5) (recalled): half a problem is added to each of the four cells, so
    that no difference on few problems is not taken for none at all; between groups as in `accuracy_interval`.

    >>> both = {str(i): 1.0 for i in range(50)}
    >>> difference_interval(both, both, {name: name for name in both})
    Interval(value=0.0, low=-0.032..., high=0.032..., why='')
    """
    from scipy.special import stdtrit

    shared = [problem for problem in ours if problem in theirs]
    if not shared:
        return Interval(None, why="they have no problem in common")
    gaps = np.array([ours[problem] - theirs[problem] for problem in shared])
    sums, sizes = _by_group(gaps, [groups[problem] for problem in shared])
    mean, count = float(gaps.mean()), len(gaps)
    if len(sums) < 2:
        return Interval(mean, why=ONE_GROUP)
    shrunk = mean * count / (count + 2)
    added = (1 - shrunk) ** 2 / 2 + (1 + shrunk) ** 2 / 2 + shrunk**2
    spread = math.sqrt(_variance(sums - shrunk * sizes, count + 2) + added / (count + 2) ** 2)
    half = -float(stdtrit(len(sums) - 1, (1 - level) / 2)) * spread
    return Interval(mean, max(-1.0, shrunk - half), min(1.0, shrunk + half))


def problems_to_detect(difference: float, discordant: float = 0.5, level: float = 0.9, power: float = 0.8) -> int:
    """How many problems a paired comparison needs to tell a difference of accuracy from none.

    Arguments: `discordant` is the share of problems that one of the two gets right and the other wrong; before it is
    measured half is a cautious guess. It is at least the difference.
    Errors: `Refused` for a difference that is none, or is larger than `discordant`. Source: Connor 1987, Biometrics 43(1) (recalled): McNemar's test, normal approximation.

    >>> problems_to_detect(0.02)
    7727
    """
    from scipy.special import ndtri

    if not 0 < difference <= discordant <= 1:
        raise Refused("bad-difference", f"a difference of {difference:g} cannot be where {discordant:g} of the problems "
                      "tell two strategies apart", "--detect", "ask for a smaller one, above 0")  # fmt: skip
    sure, likely = float(ndtri((1 + level) / 2)), float(ndtri(power))
    wanted = sure * math.sqrt(discordant) + likely * math.sqrt(discordant - difference**2)
    return math.ceil((wanted / difference) ** 2)


def _by_group(values: Array, groups: Sequence[str]) -> tuple[Array, Array]:
    """Sums and sizes of groups."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    return np.bincount(codes, values).astype(float), np.bincount(codes).astype(float)


def _variance(residuals: Array, count: float) -> float:
    """Of a mean, from the sums of residuals by group."""
    groups = len(residuals)
    return float((residuals**2).sum() * groups / (groups - 1) / count**2)
