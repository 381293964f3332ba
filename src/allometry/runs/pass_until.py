"""Pass rates too small for a fixed number of samples: draw until a few answers pass, and count the draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from allometry.notices import Refused
from allometry.runs.columns import Floats
from allometry.runs.messages import listed_rows


@dataclass(frozen=True, eq=False)
class PassRates:
    """The pass rate of each problem; arrays have one entry a problem (n,).

    `value` is unbiased, `low` and `high` the exact interval, `error` the standard error. `censored` problems were
    given up before enough answers passed: one of them with no pass at all has the value 0 and an upper end only.
    """

    value: Floats
    low: Floats
    high: Floats
    error: Floats
    censored: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """The mean over problems, unbiased."""
        return float(self.value.mean())

    @property
    def mean_error(self) -> float:
        """The standard error of that mean for these problems: the noise of the draws, not of the choice of problems."""
        return float(np.sqrt(np.sum(self.error**2)) / len(self.error))


def pass_until(draws: ArrayLike, passes: ArrayLike, wanted: int, *, level: float = 0.9) -> PassRates:
    """Pass rates of problems whose answers were sampled until `wanted` of them passed, or until too many were drawn.

    Use it where pass rates are tiny: the relative error is about 1/sqrt(wanted) at any rate, which is what a law of
    the logarithm asks for. Not for a number of samples fixed beforehand: then passes/draws is unbiased as it is.

    Arguments: `draws` and `passes` (n,) count each problem's samples and passes; a problem with `wanted` passes ended
    on the last of them, one with fewer was given up after `draws`. `wanted` is at least 2; `level` of the intervals.
    The value is (wanted-1)/(draws-1), or passes/draws where given up: together unbiased. The intervals invert the
    negative binomial distribution, and the binomial where given up, so they hold the truth at least as often as they
    say at any rate.
    Errors: `Refused` for counts that cannot be, with their places.
    Source: sampling until r passes, Hu et al. 2023, arXiv 2310.03262 (PassUntil); unbiased under a limit by Girshick,
    Mosteller and Savage 1946 (recalled).

    >>> found = pass_until([250, 400_000, 1_000_000], [3, 3, 0], wanted=3)
    >>> found.value.round(7).tolist(), found.high.round(7).tolist()
    ([0.0080321, 5e-06, 0.0], [0.0250671, 1.57e-05, 3e-06])
    """
    drawn, passed = _counts(draws, passes, wanted)
    ended = passed == wanted
    tail = (1 - level) / 2
    # the rate at which so many passes in so few draws, or more in fewer, would be as rare as the tail; and the reverse
    low = np.where(passed > 0, betaincinv(np.maximum(passed, 1), drawn - passed + 1, tail), 0.0)
    others = np.where(ended, drawn - wanted, drawn - passed)
    high = np.where(others > 0, betaincinv(np.where(ended, wanted, passed + 1), np.maximum(others, 1), 1 - tail), 1.0)
    # a pass that ended the draws says nothing of the rate that the draws before it do not say
    free, given = np.where(ended, wanted - 1, passed), np.where(ended, drawn - 1, drawn)
    spread = free * (given - free) / (given**2 * np.maximum(given - 1, 1))
    return PassRates(free / given, low, high, np.sqrt(spread), ~ended)


def _counts(draws: ArrayLike, passes: ArrayLike, wanted: int) -> tuple[Floats, Floats]:
    drawn, passed = np.atleast_1d(np.asarray(draws, float)), np.atleast_1d(np.asarray(passes, float))
    if wanted < 2:
        raise Refused(
            "few-passes", f"sampling until {wanted} passes gives no unbiased rate", "wanted", "wait for 2 or more"
        )
    if drawn.shape != passed.shape or drawn.ndim != 1 or not len(drawn):
        raise Refused("bad-counts", f"{drawn.shape} draws do not go with {passed.shape} passes", "draws and passes",
                      "give one of each for every problem")  # fmt: skip
    whole = (drawn == np.round(drawn)) & (passed == np.round(passed))
    wrong = np.flatnonzero(~(whole & (passed >= 0) & (drawn >= np.maximum(passed, 1)) & (passed <= wanted)))
    if wrong.size:
        raise Refused("bad-counts", f"these are not counts of at most {wanted} passes among the draws", listed_rows(wrong),
                      f"stop a problem at {wanted} passes")  # fmt: skip
    return drawn, passed
