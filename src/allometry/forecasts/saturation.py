"""Where more samples, or more rounds, stop paying: a ceiling and one chance for all that can be solved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaln, expit, logit
from scipy.stats import chi2

from allometry.forecasts._chances import Array
from allometry.forecasts.coverage import checked_counts
from allometry.notices import Interval, Refused

_ZOOMS = 3
_NEAR = 8.0  # log-likelihood below the best that the grid still holds
_RARE = 0.01


@dataclass(frozen=True, eq=False)
class Saturation:
    """The law `saturation`, F(N) = ceiling (1 - (1 - chance)**N), fitted to counts; made by `saturation_of`.

    `ceiling` and `chance` with profile intervals of `level`. `alike` is how likely counts as uneven as these are where
    all problems that can be solved have one chance: below .01 the law does not hold and `coverage_of` is what to use.
    """

    ceiling: Interval
    chance: Interval
    alike: float
    level: float
    _points: Array
    _best: Array

    @property
    def holds(self) -> bool:
        """Whether the counts leave the law standing."""
        return self.alike >= _RARE

    def accuracy(self, samples: float) -> Interval:
        """F at so many samples or rounds, over the problems that were drawn from."""
        return self._over(_accuracy(self._best, samples), _accuracy(self._points, samples))

    def budget(self, gain: float) -> Interval:
        """The fewest samples (or rounds) after which one more brings `gain` or less; 0 where the first does not.

        The first N with F(N+1) - F(N) <= gain, solved from Wang et al. 2025, arXiv 2505.20522; one that is counted from
        the last sample, F(N) - F(N-1), is one larger.
        """
        if not 0 < gain < 1:
            raise Refused("bad-gain", f"{gain:g} is no gain in accuracy", "gain", "give a share such as 0.001")
        return self._over(_budget(self._best, gain), _budget(self._points, gain))

    def reaches(self, share: float) -> Interval:
        """The samples (or rounds) at which a `share` of the ceiling is reached."""
        if not 0 < share < 1:
            raise Refused("bad-share", f"{share:g} of a ceiling is not reached", "share", "give a share such as 0.95")
        return self._over(*(np.log1p(-share) / np.log1p(-points[..., 1]) for points in (self._best, self._points)))

    def _over(self, value: Array, values: Array) -> Interval:
        return Interval(float(value), float(min(values.min(), value)), float(max(values.max(), value)))


def saturation_of(successes: ArrayLike, trials: ArrayLike, *, stopped: bool = False, level: float = 0.9) -> Saturation:
    """Ceiling, chance and saturation budget of one model on one group of problems, from counts of each problem.

    Use it for parallel samples of problems alike, or for rounds of rethinking: then `successes` is whether a problem
    was right within its rounds, `trials` the round it was right in, or the last, and `stopped=True`. Ask `holds`: over
    problems of mixed difficulty the law is wrong, its budget too small, and `coverage_of(...).samples_worth` answers.
    Intervals are those of the likelihood (ceiling and chance together, projected one by one).
    Arguments, errors: as `coverage_of`; `Refused` where no sample is right.
    Source: Wang et al. 2025, arXiv 2505.20522 (the form recalled, the likelihood and the budget ours).

    >>> right = [0] * 20 + [6, 4, 5, 7, 3, 4, 6, 5, 5, 5] * 3
    >>> found = saturation_of(right, [50] * 50)
    >>> round(found.ceiling.value, 2), round(found.chance.value, 2), found.budget(0.001).value, found.holds
    (0.6, 0.1, 40.0, True)
    """
    right, drawn = checked_counts(successes, trials, stopped, level)
    if not right.any():
        raise Refused("one-sided", "no sample is right, so there is no ceiling to tell", "successes", "draw more")
    likely, points = _profile(right, drawn)
    peak = points[likely.argmax()]
    kept = points[likely >= likely.max() - 0.5 * float(chi2.ppf(level, 1))]
    ends = [Interval(float(peak[i]), float(kept[:, i].min()), float(kept[:, i].max())) for i in (0, 1)]
    return Saturation(ends[0], ends[1], _alike(right, drawn, peak, float(likely.max())), level, kept, peak)


def _profile(right: Array, drawn: Array) -> tuple[Array, Array]:
    """The log-likelihood (G,) of ceilings and chances (G, 2): a coarse grid, and a fine one where that is likely."""
    chances, ceilings = np.linspace(-18.0, 8.0, 131), np.linspace(-8.0, 12.0, 101)
    for _ in range(_ZOOMS):
        pairs = np.stack(np.meshgrid(ceilings, chances, indexing="ij"), axis=-1).reshape(-1, 2)
        likely = _log_likelihood(right, drawn, pairs)
        near = pairs[likely > likely.max() - _NEAR]
        ceilings, chances = (
            np.linspace(near[:, i].min() - 0.2, near[:, i].max() + 0.2, steps) for i, steps in ((0, 101), (1, 131))
        )
    return likely, expit(pairs)


def _log_likelihood(right: Array, drawn: Array, pairs: Array) -> Array:
    """Of the counts, where a share `ceiling` of problems has one chance and the others none; logits of both (G, 2)."""
    log_p, log_q = -np.logaddexp(0, -pairs[:, 1]), -np.logaddexp(0, pairs[:, 1])
    log_in, log_out = -np.logaddexp(0, -pairs[:, 0]), -np.logaddexp(0, pairs[:, 0])
    solved = right > 0
    told = solved.sum() * log_in + right.sum() * log_p + (drawn - right)[solved].sum() * log_q
    for tries, often in zip(*np.unique(drawn[~solved], return_counts=True), strict=True):
        told += often * np.logaddexp(log_out, log_in + tries * log_q)
    return np.asarray(told)


def _alike(right: Array, drawn: Array, peak: Array, likely: float) -> float:
    """How rare a gain as large is by chances that are spread like a beta distribution (its edge: no spread)."""
    solved, missed = right > 0, drawn[right == 0]

    def unlikely(point: Array) -> float:
        log_in, log_out = -np.logaddexp(0, -point[0]), -np.logaddexp(0, point[0])
        a, b = np.exp(point[2]) * expit(point[1]), np.exp(point[2]) * expit(-point[1])
        told = (log_in + betaln(a + right, b + drawn - right) - betaln(a, b))[solved].sum()
        return -float(told + np.logaddexp(log_out, log_in + betaln(a, b + missed) - betaln(a, b)).sum())

    start = [*logit(np.clip(peak, 1e-6, 1 - 1e-6)), 3.0]
    found = minimize(unlikely, start, method="Nelder-Mead", bounds=[(-18, 18), (-18, 12), (-6, 10)])
    return 0.5 * float(chi2.sf(2 * max(-found.fun - likely, 0.0), 1))


def _accuracy(points: Array, samples: float) -> Array:
    return np.asarray(-points[..., 0] * np.expm1(samples * np.log1p(-points[..., 1])))


def _budget(points: Array, gain: float) -> Array:
    """The smallest whole N with ceiling chance (1 - chance)**N <= gain, at least 0."""
    first = points[..., 0] * points[..., 1]
    return np.asarray(np.maximum(np.ceil(np.log(gain / first) / np.log1p(-points[..., 1]) - 1e-9), 0.0))
