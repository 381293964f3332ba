"""Repeats and duplicates told apart, and the noise floor that repeats show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Interval
from allometry.runs.columns import Column, Floats, codes

Group = tuple[int, ...]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Repeats:
    """Groups of row numbers: `repeats` have equal axes and other losses, `duplicates` equal axes and equal losses.

    A row may be in one of each. `noise` is the pooled standard deviation of the logarithm
    of the metric within repeats, duplicates counted once, with its `degrees_of_freedom`.
    """

    repeats: tuple[Group, ...]
    duplicates: tuple[Group, ...]
    noise: Interval
    degrees_of_freedom: int


def find_repeats(axes: Sequence[Column], target: Floats, numbers: Labels) -> Repeats:
    """The repeats and duplicates among rows with these axis columns and this metric; `numbers` are the rows' numbers.

    >>> found = find_repeats([np.array([1.0, 1, 1, 2])], np.array([3.0, 3.1, 3.1, 2.0]), np.arange(4))
    >>> found.repeats, found.duplicates
    (((0, 1, 2),), ((1, 2),))
    """
    settings = codes(axes, len(target))
    outcomes = codes([settings, target], len(target))
    _, first = np.unique(outcomes, return_index=True)
    differing = np.bincount(settings[first], minlength=len(target))
    several = differing[settings] > 1
    noise, degrees = _noise(settings[first], target[first])
    repeats, duplicates = _groups(settings, numbers, several), _groups(outcomes, numbers, np.ones_like(several))
    return Repeats(repeats, duplicates, noise, degrees)


def _groups(labels: Labels, numbers: Labels, among: NDArray[np.bool_]) -> tuple[Group, ...]:
    """Row numbers by label, groups of one left out, in the order of their first rows."""
    held = np.flatnonzero((np.bincount(labels)[labels] > 1) & among)
    order = held[np.argsort(labels[held], kind="stable")]
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return tuple(sorted(tuple(numbers[part].tolist()) for part in np.split(order, cuts) if part.size))


def _noise(settings: Labels, target: Floats) -> tuple[Interval, int]:
    sound = np.isfinite(target) & (target > 0)
    labels, logs = settings[sound], np.log(target[sound])
    counts = np.bincount(labels)
    degrees = int(np.maximum(counts - 1, 0).sum())
    if degrees == 0:
        return Interval(None, why="no two rows have equal axes and different positive values"), 0
    means = np.bincount(labels, weights=logs) / np.maximum(counts, 1)
    return Interval(float(np.sqrt(((logs - means[labels]) ** 2).sum() / degrees))), degrees
