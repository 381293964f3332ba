"""Whether a selector's scores are chances: a table of what came out against what was said, and scores of that."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.inference.sweeps.intervals import accuracy_interval
from allometry.inference.sweeps.selectors.graded import WHERE, Array, Graded
from allometry.notices import Interval, Refused

BINS = 10
_DRAWS = 200


@dataclass(frozen=True)
class Bin:
    """Samples whose score lies from `low` to `high`: their mean score, and how many came out right."""

    low: float
    high: float
    samples: int
    score: float
    right: Interval


@dataclass(frozen=True)
class Reliability:
    """How far scores are chances.

    `brier` is the mean squared difference of score and truth; `ece` the mean distance of bins from the diagonal,
    weighted by samples, and `ece_by_chance` what it would be in the mean were every score the true chance: it is never
    0. `auc` is the chance that a right sample is scored above a wrong one; None where there are not both.
    """

    bins: tuple[Bin, ...]
    brier: Interval
    ece: float
    ece_by_chance: float
    auc: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def reliability(samples: Graded, bins: int = BINS, level: float = 0.9) -> Reliability:
    """What came out against what was said, by bins of equal width; empty ones are left out.

    Use it for scores that are meant as chances. Intervals are over problems. Source: Brier 1950; the mean distance of
    bins is the expected calibration error of Naeini et al. 2015 (recalled).
    Errors: `Refused` for scores outside of 0 to 1.

    >>> from allometry.inference.sweeps.selectors import graded
    >>> found = reliability(graded(range(40), [0.25] * 40, [1, 0, 0, 0] * 10))
    >>> found.bins[0].right.value, round(found.ece, 12), found.brier.value
    (0.25, 0.0, 0.1875)
    """
    scores, right = samples.scores, samples.right
    if scores.min() < 0 or scores.max() > 1:
        raise Refused("no-chances", "there are scores outside of 0 to 1", WHERE, "give chances, such as sigmoids")
    if bins < 1:
        raise Refused("bad-bins", f"{bins} bins hold nothing", WHERE, "give 10")
    place = np.minimum((scores * bins).astype(int), bins - 1)
    groups = np.array(samples.groups)
    told = []
    for at in np.unique(place):
        rows = place == at
        found = accuracy_interval(right[rows].astype(float).tolist(), groups[rows].tolist(), level)
        told.append(Bin(at / bins, (at + 1) / bins, int(rows.sum()), float(scores[rows].mean()), found))
    brier = accuracy_interval(((scores - right) ** 2).tolist(), samples.groups, level)
    rng = np.random.default_rng(0)
    chance = np.mean([_distance(scores, rng.random(len(scores)) < scores, place) for _ in range(_DRAWS)])
    area = auc(scores, right) if 0 < right.sum() < len(right) else None
    return Reliability(tuple(told), brier, _distance(scores, right, place), float(chance), area)


def _distance(scores: Array, right: NDArray[np.bool_], place: NDArray[np.int_]) -> float:
    return float(np.abs(np.bincount(place, scores - right)).sum() / len(scores))


def auc(scores: NDArray[Any], right: NDArray[Any]) -> float:
    """The chance that a right sample is scored above a wrong one, ties counted half; NaN where there are not both.

    >>> auc(np.array([0.1, 0.4, 0.4]), np.array([0, 1, 0]))
    0.75
    """
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    positive = int(np.sum(right > 0))
    pairs = positive * (len(right) - positive)
    return float((ranks[right > 0].sum() - positive * (positive + 1) / 2) / pairs) if pairs else float("nan")
