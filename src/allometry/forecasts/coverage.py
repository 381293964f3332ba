"""Pass@k for many more samples than were drawn, from how many of each problem's samples were right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from allometry.forecasts._chances import FAMILIES, MOST_SAMPLES, Array, Nodes
from allometry.forecasts._spread import Best, Counts, Fitted, fit_family
from allometry.notices import Interval, Refused
from allometry.runs import pass_at_k, share_interval
from allometry.runs.messages import listed_rows

Basis: TypeAlias = Literal["power law", "mass at zero", "spread"]

_ASKED = 0.5 * float(chi2.ppf(0.9, 1))  # a share at the end of its range: a gain in log-likelihood rarer than 5%
_LOG_SAMPLES = np.linspace(0, np.log(MOST_SAMPLES), 48)
_LAW_POINTS = 20
_EXCLUDED = 0.5 * float(chi2.ppf(0.99, 1))  # a kind of spread so much less likely than the best is ruled out


@dataclass(frozen=True, eq=False)
class Coverage:
    """What counts of right samples say of pass@k at any k; made by `coverage_of`.

    `successes` and `trials` (n,) as given, `stopped` where sampling ended at a success, `level` of the intervals.
    """

    successes: Array
    trials: Array
    stopped: bool
    level: float

    @property
    def solved(self) -> float:
        """The share of problems with a success."""
        return float(np.mean(self.successes > 0))

    @property
    def basis(self) -> Basis:
        """What values beyond the samples are: the law of the mean curve unless the counts ask for a mass at zero."""
        if self._gain > _ASKED:
            return "mass at zero"
        return "spread" if self._law is None else "power law"

    @property
    def never(self) -> float:
        """The share of problems never solved that fits best: 0 unless the counts ask for a mass there."""
        return self._mixture.never

    def pass_at(self, k: float) -> Interval:
        """The chance that one of k samples is right, over problems such as these; `k` from 1 to 1e9.

        Up to the samples drawn it is the unbiased estimate, with the exact interval of as many independent problems as
        would vary so. Beyond, the interval holds every value that the counts do not exclude.
        """
        if not 1 <= k <= MOST_SAMPLES:
            raise Refused("bad-samples", f"pass@{k:g} cannot be told", "k", f"give 1 to {MOST_SAMPLES:g} samples")
        if self._drawn(k):
            return self._unbiased(k)
        if not self.successes.any():
            return Interval(None, 0.0, self._most_unseen(k), "no problem has a success; the upper end is what so many "
                            "failures leave")  # fmt: skip
        if (self.successes == self.trials).all():
            return Interval(1.0, *share_interval(1.0, len(self.trials), self.level))
        low, high = self._not_excluded(k)
        return Interval(min(max(self._value(k), low), high), low, high)

    def samples_for(self, target: float) -> Interval:
        """The samples of each problem at which pass@k reaches `target`, between 0 and 1.

        There is no value where the best estimate never reaches it by 1e9 samples, and no upper end where the counts do
        not exclude that; `why` says so. Errors: `Refused` for another target, and where no sample or every one is right.
        """
        if not 0 < target < 1:
            raise Refused("bad-target", f"{target:g} is no coverage to reach", "target", "give a share between 0 and 1")
        if not 0 < self.successes.sum() < self.trials.sum():
            said = "every sample" if self.successes.any() else "no sample"
            raise Refused("one-sided", f"{said} is right, so samples needed cannot be told", "successes", "draw more")
        samples = np.exp(_LOG_SAMPLES)
        ends = np.array([self._not_excluded(k) for k in samples])
        low, high = (_reached(ends[:, side], target) for side in (1, 0))
        value = _reached(np.clip([self._value(k) for k in samples], ends[:, 0], ends[:, 1]), target)
        why = (
            ""
            if high is not None
            else f"that it takes more than {MOST_SAMPLES:g} samples, or any number, is not excluded"
        )
        return Interval(value, low, high, why)

    def samples_spent(self, k: float) -> float:
        """The mean samples a problem takes where each stops at its first success, and at k at the latest.

        It is that of the most likely spread, a point without an interval: the price of the coverage of `pass_at(k)`.
        """
        if not self.successes.any():
            return float(k)
        if (self.successes == self.trials).all():
            return 1.0
        return self._mixture.mean(self._nodes.solved(k) / np.exp(self._nodes.log_p)) + self.never * k

    def _drawn(self, k: float) -> bool:
        return not self.stopped and k <= self.trials.min() and k == round(k)

    def _unbiased(self, k: float) -> Interval:
        told = pass_at_k(self.trials, self.successes, k)
        mean, count = float(told.mean()), len(told)
        variance = float(told.var(ddof=1)) / count if count > 1 else 0.0
        alike = max(mean * (1 - mean) / variance, count) if variance > 0 else count
        return Interval(mean, *share_interval(mean, alike, self.level))

    def _most_unseen(self, k: float) -> float:
        """The most that no success in all trials leaves: by Jensen, problems alike are the likeliest not to show it."""
        share = np.minimum(self.trials / k, 1.0).sum()
        return float(-np.expm1(np.log((1 - self.level) / 2) / share))

    def _value(self, k: float) -> float:
        if self._drawn(k):
            return float(pass_at_k(self.trials, self.successes, k).mean())
        if self.basis == "power law" and self._law is not None and k > self.trials.max():
            slope, intercept = self._law
            return float(np.exp(-np.exp(intercept + slope * np.log(k))))
        return self._mixture.mean(self._nodes.solved(k))

    def _not_excluded(self, k: float) -> tuple[float, float]:
        """The least and the largest coverage by any kind of spread that the counts do not exclude, each at its level."""
        solved, drop = self._nodes.solved(k), 0.5 * float(chi2.ppf(self.level, 1))
        massed, plain = ([best.log_likelihood for best in bests] for bests in self._bests)
        least = max(massed + plain) - _EXCLUDED
        ends = [one.massed_ends(solved, drop) for one in self._fitted if one.massed.log_likelihood >= least]
        ends += [one.plain_ends(solved, drop) for one in self._fitted if one.plain.log_likelihood >= least]
        return min(low for low, _ in ends), min(max(high for _, high in ends), 1.0)

    @cached_property
    def _counts(self) -> Counts:
        return Counts.of(self.successes, self.trials)

    @cached_property
    def _nodes(self) -> Nodes:
        return self._counts.nodes

    @cached_property
    def _fitted(self) -> list[Fitted]:
        return [fit_family(family, self._counts, self._nodes) for family in FAMILIES]

    @cached_property
    def _gain(self) -> float:
        """In log-likelihood, by a mass of problems never solved."""
        massed, plain = ([best.log_likelihood for best in bests] for bests in self._bests)
        return max(massed) - max(plain)

    @property
    def _bests(self) -> tuple[list[Best], list[Best]]:
        return [one.massed for one in self._fitted], [one.plain for one in self._fitted]

    @cached_property
    def _mixture(self) -> _Mixture:
        massed, plain = self._bests
        return _Mixture.of(massed if self._gain > _ASKED else plain)

    @cached_property
    def _law(self) -> tuple[float, float] | None:
        """Slope and intercept of ln(-ln pass@k) in ln k over the samples drawn (law `coverage`), if it falls."""
        samples = np.unique(np.geomspace(1, self.trials.max(), _LAW_POINTS).round())
        if self._drawn(self.trials.max()):
            curve = np.array([pass_at_k(self.trials, self.successes, k).mean() for k in samples])
        else:
            curve = np.array([self._mixture.mean(self._nodes.solved(k)) for k in samples])
        between = (curve > 0) & (curve < 1)
        if between.sum() < 2:
            return None
        slope, intercept = np.polyfit(np.log(samples[between]), np.log(-np.log(curve[between])), 1)
        return (float(slope), float(intercept)) if slope < 0 else None


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Best spreads of the families, each by its likelihood: they have as many parameters."""

    bests: Sequence[Best]
    weights: Array

    @classmethod
    def of(cls, bests: Sequence[Best]) -> _Mixture:
        likely = np.array([best.log_likelihood for best in bests])
        weights = np.exp(likely - likely.max())
        return cls(bests, weights / weights.sum())

    @property
    def never(self) -> float:
        return float(self.weights @ [best.never for best in self.bests])

    def mean(self, at_nodes: Array) -> float:
        """The mean over problems of what is so at each node and 0 for those never solved."""
        return float(self.weights @ [(1 - best.never) * (best.shares @ at_nodes) for best in self.bests])


def _reached(curve: Array, target: float) -> float | None:
    """The samples at which a rising curve over the grid of samples reaches the target, if it does."""
    if curve[-1] < target:
        return None
    at = int(np.argmax(curve >= target))
    span = slice(max(at - 1, 0), at + 1)
    return float(np.exp(np.interp(target, curve[span], _LOG_SAMPLES[span])))


def coverage_of(successes: ArrayLike, trials: ArrayLike, *, stopped: bool = False, level: float = 0.9) -> Coverage:
    """Pass@k far beyond the samples drawn, and the samples that a coverage takes, from counts of each problem.

    Use it for a few or hundreds of samples of each of some dozens of problems or more, graded right or wrong without
    error; `pass_at(k)`, `samples_for(target)` and `samples_spent(k)` of what it gives answer. Not where the grader
    errs (what it passes wrongly grows with k), nor for problems of another kind than those that were drawn.

    Beyond the samples, the value is the power law of the mean curve, -ln pass@k = a k**-b, continued; where a share of
    problems that is never solved makes the counts likelier (a test at 5%), it is that of the most likely spread with
    that share. The interval is the likelihood's: chances of a sample are spread over problems by a beta or a
    Kumaraswamy distribution with or without a share at zero, and it holds the profile interval of each of the four
    that the counts do not rule out (a test at 1%). The value leans high where a share is never solved that the counts
    do not show: read the interval first. Where most problems have no success it is wide, as it must be.

    Arguments: `successes` and `trials` (n,), whole numbers for each problem; `stopped` where sampling ended at a
    success (or at a limit): the likelihood is the same, but the unbiased pass@k does not hold and isn't used; `level`.
    Errors: `Refused` for counts that cannot be, fewer than 2 problems, one sample of each, and
    counts that look as if sampling had stopped where `stopped` does not say so.
    Sources: beta-binomial pass@k, Levi 2024, arXiv 2410.16377, and Kazdan et al. 2025, arXiv 2510.05197; that tails of
    hard problems make power laws, Schaeffer et al. 2025, arXiv 2502.17578; the power law, Brown et al. 2024, arXiv
    2407.21787, eq. 3. On its Pythia models and MATH (7 models, 100 of 10,000 samples, 5 draws), the law's pass@10000
    was .033 off in the mean, the most likely beta distribution's .066: hence the law for the value.

    >>> found = coverage_of([0, 0, 0, 1, 0, 2, 7, 0, 30, 1, 0, 4] * 5, [50] * 60)
    >>> round(found.pass_at(1).value, 3), round(found.pass_at(1000).value, 2), found.basis
    (0.075, 0.76, 'power law')
    """
    right, drawn = _checked(successes, trials, stopped, level)
    return Coverage(right, drawn, stopped, level)


def _checked(successes: ArrayLike, trials: ArrayLike, stopped: bool, level: float) -> tuple[Array, Array]:
    try:
        right, drawn = np.asarray(successes, float), np.asarray(trials, float)
    except (TypeError, ValueError):
        raise Refused("bad-counts", "these are not numbers", "successes and trials", "give counts") from None
    if right.shape != drawn.shape or right.ndim != 1 or len(right) < 2:
        raise Refused("bad-counts", f"{right.shape} successes do not go with {drawn.shape} trials", "successes and trials",
                      "give one of each for every problem, and 2 problems or more")  # fmt: skip
    with np.errstate(invalid="ignore"):
        whole = (right == np.round(right)) & (drawn == np.round(drawn)) & np.isfinite(drawn)
        wrong = np.flatnonzero(~(whole & (right >= 0) & (drawn >= 1) & (right <= drawn)))
    if wrong.size:
        raise Refused("bad-counts", "these are not counts of successes among samples", listed_rows(wrong),
                      "give whole numbers, 0 <= successes <= trials and trials >= 1")  # fmt: skip
    if drawn.max() == 1 and not stopped:
        raise Refused(
            "one-sample", "one sample a problem says nothing of how problems differ", "trials", "draw 2 or more"
        )
    at_first = (right.max() == 1) & (np.ptp(drawn) > 0) & (drawn[right == 0] == drawn.max()).all()
    if at_first and right.sum() > 1 and not stopped:
        raise Refused("looks-stopped", "every problem has one success or as many samples as any: sampling seems to have "
                      "stopped at the first", "successes and trials", "say so by stopped=True")  # fmt: skip
    if not 0 < level < 1:
        raise Refused("bad-level", f"{level:g} is no level of an interval", "level", "give a share such as 0.9")
    return right, drawn
