"""Pass@k for many more samples than were drawn, from how many of each problem's samples were right."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import chi2

from allometry.forecasts._chances import FAMILIES, MOST_SAMPLES, Array, Nodes
from allometry.forecasts._spread import Best, Counts, Fitted, fit_family
from allometry.notices import Interval, Refused
from allometry.runs import pass_at_k, share_interval
from allometry.runs.messages import listed_rows

Basis: TypeAlias = Literal["power law", "mass at zero", "spread"]

_ASKED = 0.5 * float(chi2.ppf(0.98, 1))  # a share at the end of its range: a gain in log-likelihood rarer than 1%
_SAMPLES = np.geomspace(1, MOST_SAMPLES, 48)
_FROM_NONE = np.append(0.0, _SAMPLES)
_LEAST = 1e-300
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
        return Interval(self._inside(k), *self._not_excluded(k))

    def likeliest_at(self, k: float) -> float:
        """Pass@k by the most likely spread of chances: a second opinion where the power law leads `pass_at`, no interval."""
        if not 0 < self.successes.sum() < self.trials.sum():
            return self.solved
        return self._mixture.mean(self._nodes.solved(k))

    def samples_for(self, target: float) -> Interval:
        """The samples of each problem at which pass@k reaches `target`, between 0 and 1.

        There is no value where the best estimate never reaches it by 1e9 samples, and no upper end where the counts do
        not exclude that; `why` says so. Errors: `Refused` for another target, and where no sample or every one is right.
        """
        if not 0 < target < 1:
            raise Refused("bad-target", f"{target:g} is no coverage to reach", "target", "give a share between 0 and 1")
        self._refuse_one_sided()
        low, value, high = (_first(missing, _SAMPLES, 1 - target) for missing in (
            lambda k: 1 - self._not_excluded(k)[1],
            lambda k: 1 - self._inside(k),
            lambda k: 1 - self._not_excluded(k)[0],
        ))  # fmt: skip
        why = (
            ""
            if high is not None
            else f"that it takes more than {MOST_SAMPLES:g} samples, or any number, is not excluded"
        )
        return Interval(value, low, high, why)

    def ceiling(self) -> Interval:
        """The share of problems solved by 1e9 samples: no more than that can be told of any number of them."""
        return self.pass_at(MOST_SAMPLES)

    def samples_worth(self, gain: float) -> Interval:
        """The fewest samples after which one more brings `gain` in pass@k or less, where problems are of mixed difficulty.

        Within the samples drawn it is measured, with the interval of a mean over problems; beyond, the value is that of
        the most likely spread and the interval holds what the counts do not exclude. 0 where the first sample brings no
        more. Errors: `Refused` for another gain, and where no sample or every one is right.
        """
        if not 0 < gain < 1:
            raise Refused("bad-gain", f"{gain:g} is no gain in coverage", "gain", "give a share such as 0.001")
        self._refuse_one_sided()
        gains = cache(self._next_gain)
        found = [_first(lambda k, end=end: gains(round(k))[end], _FROM_NONE, gain) for end in range(3)]  # type: ignore[misc]
        low, value, high = (float(np.ceil((_SAMPLES[-1] if at is None else at) - 1e-6)) for at in found)
        return Interval(min(max(value, low), high), low, high)

    def _next_gain(self, k: int) -> tuple[float, float, float]:
        """Least, likely and largest gain by sample k + 1."""
        if self._drawn(k + 1):
            told = pass_at_k(self.trials, self.successes, k + 1)
            told = told - pass_at_k(self.trials, self.successes, k) if k else told
            half = float(ndtri(0.5 + self.level / 2) * told.std(ddof=1) / np.sqrt(len(told)))
            return float(told.mean()) - half, float(told.mean()), float(told.mean()) + half
        scale = _scale(k)
        at_nodes = scale * np.exp(self._nodes.log_p + k * self._nodes.log_q)
        low, high = self._ends(at_nodes)
        return low / scale, self._mixture.mean(at_nodes) / scale, high / scale

    def samples_spent(self, k: float) -> float:
        """The mean samples a problem takes where each stops at its first success, and at k at the latest.

        It is that of the most likely spread, a point without an interval: the price of the coverage of `pass_at(k)`.
        """
        if not self.successes.any():
            return float(k)
        if (self.successes == self.trials).all():
            return 1.0
        return self._mixture.mean(self._nodes.solved(k) / np.exp(self._nodes.log_p)) + self.never * k

    def _refuse_one_sided(self) -> None:
        if not 0 < self.successes.sum() < self.trials.sum():
            said = "every sample" if self.successes.any() else "no sample"
            raise Refused("one-sided", f"{said} is right, so samples needed cannot be told", "successes", "draw more")

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
        return self.likeliest_at(k)

    def _inside(self, k: float) -> float:
        """The value, or the nearest that the counts do not exclude."""
        low, high = self._not_excluded(k)
        return min(max(self._value(k), low), high)

    def _not_excluded(self, k: float) -> tuple[float, float]:
        return self._ends(self._nodes.solved(k))

    def _ends(self, solved: Array) -> tuple[float, float]:
        """The least and the largest mean of what is so at the nodes, by any spread that is not excluded, each at its level."""
        drop = 0.5 * float(chi2.ppf(self.level, 1))
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


def _scale(k: float) -> float:
    """One over the largest chance (1 - chance)**k, to within a third."""
    return 1 + (np.e - 1 / (k + 1)) * k


def _first(falling: Callable[[float], float], points: Array, level: float) -> float | None:
    """Where a falling curve comes down to a level, by halving the grid and a line between two points of it."""
    if falling(float(points[-1])) > level:
        return None
    at = bisect_left(range(len(points)), True, key=lambda i: falling(float(points[i])) <= level)
    if at == 0:
        return float(points[0])
    one, other = (max(falling(float(points[i])), _LEAST) for i in (at - 1, at))
    part = (np.log(one) - np.log(max(level, _LEAST))) / (np.log(one) - np.log(other)) if one > other else 1.0
    return float(np.expm1(np.log1p(points[at - 1]) * (1 - part) + np.log1p(points[at]) * part))


def coverage_of(successes: ArrayLike, trials: ArrayLike, *, stopped: bool = False, level: float = 0.9) -> Coverage:
    """Pass@k far beyond the samples drawn, and the samples that a coverage takes, from counts of each problem.

    Use it for a few or hundreds of samples of each of some dozens of problems or more, graded right or wrong without
    error; `pass_at(k)`, `samples_for(target)` and `samples_spent(k)` of what it gives answer. Not where the grader
    errs (what it passes wrongly grows with k), nor for problems of another kind than those that were drawn.

    Beyond the samples, the value is the power law of the mean curve, -ln pass@k = a k**-b, continued; where a share of
    problems that is never solved makes the counts likelier (a test at 1%), it is that of the most likely spread with
    that share. The interval is the likelihood's: chances of a sample are spread over problems by a beta, a Kumaraswamy
    or a logit-normal distribution with or without a share at zero, and it holds the profile interval of each of the six
    that the counts do not rule out (a test at 1%). Problems with more than 10 successes count as easy and no more, so
    that they do not shape what is said of hard ones. The value leans high where a share is never solved that the counts
    do not show, and low where hard problems are alike: read the interval first. Where most problems have no success it
    is wide, as it must be; a kind of problem of which no sample was right is beyond it.

    Arguments: `successes` and `trials` (n,), whole numbers for each problem; `stopped` where sampling ended at a
    success (or at a limit): the likelihood is the same, but the unbiased pass@k does not hold and isn't used; `level`.
    Errors: `Refused` for counts that cannot be, fewer than 2 problems, one sample of each, and
    counts that look as if sampling had stopped where `stopped` does not say so.
    Sources: beta-binomial pass@k, Levi 2024, arXiv 2410.16377, and Kazdan et al. 2025, arXiv 2510.05197; that tails of
    hard problems make power laws, Schaeffer et al. 2025, arXiv 2502.17578; the power law, Brown et al. 2024, arXiv
    2407.21787, eq. 3. The law was chosen for the value because it is nearer on the seven Pythia models of that paper; on
    planted spreads the most likely spread is nearer as often as not. How far off both were and how often intervals held
    (seldom or never where many hard problems are alike): `benchmarks/pass_at.py`.

    >>> found = coverage_of([0, 0, 0, 1, 0, 2, 7, 0, 30, 1, 0, 4] * 5, [50] * 60)
    >>> round(found.pass_at(1).value, 3), round(found.pass_at(1000).value, 2), found.basis
    (0.075, 0.76, 'power law')
    """
    right, drawn = checked_counts(successes, trials, stopped, level)
    return Coverage(right, drawn, stopped, level)


def checked_counts(successes: ArrayLike, trials: ArrayLike, stopped: bool, level: float) -> tuple[Array, Array]:
    """Counts of each problem as arrays, or `Refused`."""
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
