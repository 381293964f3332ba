"""Best-of-N by a selector against N, beside an exact check and a vote, and the N beyond which more samples hurt."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from allometry.inference.sweeps.intervals import accuracy_interval, difference_interval
from allometry.inference.sweeps.selectors.graded import WHERE, Array, Graded
from allometry.inference.sweeps.selectors.resampling import peak_of, resampled_means
from allometry.notices import Interval, Refused
from allometry.runs import pass_at_k

DRAWS = 100
"""Orders of a problem's samples, at least, over which a vote is averaged."""


@dataclass(frozen=True)
class BestOfRow:
    """Accuracies at one N: by the `selector`, by an exact check (`oracle`) and by a `majority`, None without votes.

    What the selector gains is paired by problem: over one sample, over the majority, and (it is less) over the oracle.
    """

    samples: int
    selector: Interval
    oracle: Interval
    majority: Interval | None
    over_single: Interval
    over_majority: Interval | None
    over_oracle: Interval


@dataclass(frozen=True)
class Peak:
    """Where the selector is best: `samples` with the values of N that are not told apart from it, and what comes after.

    `hurts` where the largest N is worse than that for sure, all N compared with all others at once; then `loss` is by
    how much. Where it does not hurt, no upper end is known: the best may lie beyond what was measured.
    """

    samples: Interval
    hurts: bool
    loss: Interval


@dataclass(frozen=True)
class BestOf:
    """Curves over N on the same problems, and the selector's peak."""

    rows: tuple[BestOfRow, ...]
    peak: Peak
    problems: int
    level: float

    @property
    def sentence(self) -> str:
        """Whether more samples hurt, in words."""
        largest, best = self.rows[-1].samples, self.peak.samples
        if self.peak.hurts:
            low, high, lost = best.low, best.high, self.peak.loss
            where = "the best of those measured" if low == high else f"the best N lies from {low:g} to {high:g}"
            return (f"more than {best.value:g} samples hurt ({where}): {largest} are "
                    f"{-100 * (lost.value or 0):.1f} points worse ({-100 * (lost.high or 0):.1f} to "
                    f"{-100 * (lost.low or 0):.1f})")  # fmt: skip
        unknown = f", but it {self.peak.loss.why}" if self.peak.loss.why else ""
        return f"no loss from more samples was seen up to {largest}{unknown}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": [asdict(row) for row in self.rows], "sentence": self.sentence}


def best_of_curves(samples: Graded, counts: Sequence[int] = (), level: float = 0.9) -> BestOf:
    """The accuracy of the sample that a selector scores highest of N, for every N, from the samples that are there.

    Use it to see where a selector is over-optimised. The accuracy of each problem at each N is the mean over all ways
    to draw N of its samples, without bias and exactly: largest scores are ranked, and equal ones share. A vote is
    averaged over 100 orders or more. Intervals are over problems, each counted as one answer: rather wide than narrow.
    That of the best N compares all of them at once by a bootstrap over problems, so that a selector which is never
    worse is taken for harmful in (1 - level) of cases at most. Not for N beyond the samples of a problem: what a
    selector does there cannot be told from fewer (Dorner et al. 2025, arXiv 2507.12399, seen in an abstract).
    Arguments: `counts` are the N, by default powers of two up to the fewest samples of a problem.
    Errors: `Refused` for fewer than two samples of a problem, and for an N that there is not.
    """
    taken = _counts(samples, counts)
    names, groups = list(samples.rows), samples.group_of
    chosen = _over(samples, taken, lambda rows: _best(samples.scores[rows], samples.right[rows], taken))
    oracle = _over(samples, taken, lambda rows: pass_at_k(len(rows), int(samples.right[rows].sum()), taken))
    voted = None if samples.votes is None else _over(samples, taken, _voting(samples, samples.votes, taken))

    def accuracy(values: Array) -> Interval:
        return accuracy_interval(values.tolist(), [groups[name] for name in names], level)

    def over(theirs: Array, column: int) -> Interval:
        ours = dict(zip(names, chosen[:, column].tolist(), strict=True))
        return difference_interval(ours, dict(zip(names, theirs.tolist(), strict=True)), groups, level)

    rows = tuple(
        BestOfRow(
            n, accuracy(chosen[:, i]), accuracy(oracle[:, i]), None if voted is None else accuracy(voted[:, i]),
            over(chosen[:, 0], i), None if voted is None else over(voted[:, i], i), over(oracle[:, i], i),
        )
        for i, n in enumerate(taken)
    )  # fmt: skip
    found = peak_of(taken, resampled_means(chosen, [groups[name] for name in names]), level)
    return BestOf(rows, Peak(*found), len(names), level)


def _counts(samples: Graded, counts: Sequence[int]) -> list[int]:
    fewest = samples.fewest
    if fewest < 2:
        raise Refused("too-few-samples", "a problem has only one sample: there is nothing to select", WHERE,
                      "draw two or more of each, or leave such problems out")  # fmt: skip
    taken = sorted({1, *counts}) if counts else [2**k for k in range(fewest.bit_length()) if 2**k < fewest] + [fewest]
    if taken[0] < 1 or taken[-1] > fewest or len(taken) < 2:
        raise Refused("too-few-samples", f"N from {taken[0]} to {taken[-1]} cannot be: the fewest samples are {fewest}",
                      WHERE, "draw more, or ask for a smaller N")  # fmt: skip
    return taken


def _over(samples: Graded, counts: Sequence[int], of_problem: Callable[[NDArray[np.int_]], Array]) -> Array:
    """A table (problems, counts) of accuracies."""
    return np.stack([of_problem(rows) for rows in samples.rows.values()])


def _best(scores: Array, right: NDArray[np.bool_], counts: Sequence[int]) -> Array:
    """The chance (counts,) that the sample with the highest score of N is right; equal scores are chosen evenly among."""
    _, place, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    share = np.bincount(place, right) / sizes
    below = np.concatenate([[0], np.cumsum(sizes)])
    none_above = np.array([_all_among(below, len(scores), n) for n in counts])
    found: Array = np.diff(none_above, axis=1) @ share
    return found


def _all_among(among: NDArray[np.int_], of: int, n: int) -> Array:
    """The chance that n samples, drawn without replacement, all lie among so many of all."""
    some = np.maximum(among, n)
    logs = gammaln(some + 1) - gammaln(some - n + 1) - gammaln(of + 1) + gammaln(of - n + 1)
    return np.where(among >= n, np.exp(logs), 0.0)


def _voting(
    samples: Graded, votes: Sequence[Hashable | None], counts: Sequence[int]
) -> Callable[[NDArray[np.int_]], Array]:
    rng = np.random.default_rng(0)

    def of_problem(rows: NDArray[np.int_]) -> Array:
        codes: dict[Hashable, int] = {}
        cast = np.array([-1 if votes[i] is None else codes.setdefault(votes[i], len(codes)) for i in rows])
        shuffled = rng.permuted(np.tile(np.arange(len(rows)), (-(-DRAWS // len(rows)), 1)), axis=1)
        # every sample stands once in every place: what one sample is worth is exact
        turned = [np.roll(shuffled, turn, axis=1) for turn in range(len(rows))]
        orders = np.concatenate(turned)
        return np.array([_voted(cast[orders[:, :n]], samples.right[rows][orders[:, :n]], len(codes)) for n in counts])

    return of_problem


def _voted(cast: NDArray[np.int_], right: NDArray[np.bool_], codes: int) -> float:
    """The share of orders in which a majority is right; of equal ones the first wins, and so does its first sample."""
    if not codes:
        return 0.0
    ballots = cast[:, :, None] == np.arange(codes)
    first = np.where(ballots.any(1), ballots.argmax(1), cast.shape[1])
    winner = (ballots.sum(1) * (cast.shape[1] + 1) - first).argmax(1)
    orders = np.arange(len(cast))
    voted = ballots[orders, :, winner].any(1)
    return float((right[orders, np.minimum(first[orders, winner], cast.shape[1] - 1)] & voted).mean())
