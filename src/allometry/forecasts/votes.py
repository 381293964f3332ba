"""What votes over many more samples would come to, from the answers that were drawn: the error left, and what it takes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from allometry.forecasts._chances import Array
from allometry.forecasts.intervals import percentiles
from allometry.notices import Interval, Refused

_FROM = 3  # one or two samples vote on nothing
_LENGTHS = 12
_SUBSETS = 200  # of the samples of a problem, at each number of them
# A spread of margins that goes on through ties gives a half; less takes a heap of ties.
_POWERS = np.linspace(0.5, 2.0, 61)
_FAR = 1e9


@dataclass(frozen=True, eq=False)
class Votes:
    """The error of majority voting against samples a problem, E + A n**-b; made by `votes_of`.

    `samples` (L,) and `errors` (L,) are measured: means over subsets of the samples drawn. `floor` is E, the share of
    problems whose commonest answer is wrong, and `power` is b, a half where margins are spread as m**(-1/2) near ties.
    """

    samples: Array
    errors: Array
    level: float
    _best: Array
    _draws: Array

    @property
    def floor(self) -> Interval:
        return self._told(float(self._best[0]), self._draws[:, 0])

    @property
    def power(self) -> Interval:
        return self._told(float(self._best[2]), self._draws[:, 2])

    def error(self, samples: float) -> Interval:
        """The error of a vote over so many samples, 3 to 1e9."""
        if not _FROM <= samples <= _FAR:
            raise Refused("bad-samples", f"a vote over {samples:g} samples cannot be told", "samples", "give 3 to 1e9")
        return self._told(float(_at(self._best, samples)), _at(self._draws, samples))

    def samples_to(self, excess: float) -> Interval:
        """The samples at which voting is within `excess` of its floor: where more votes stop paying."""
        if not 0 < excess < 1:
            raise Refused("bad-excess", f"{excess:g} is no error to come near", "excess", "give a share such as 0.01")
        return self._told(float(_needed(self._best, excess)), _needed(self._draws, excess))

    def _told(self, value: float, draws: Array) -> Interval:
        found = percentiles(value, draws, self.level, "")
        low, high = (value if end is None else end for end in (found.low, found.high))
        return Interval(value, min(low, value), max(high, value))


def votes_of(
    problems: Sequence[Hashable],
    answers: Sequence[Hashable | None],
    correct: Sequence[bool | float],
    *,
    bootstrap: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Votes:
    """Error of self-consistency far beyond the samples drawn, from one row a sample: problem, answer, right or wrong.

    Use it for a dozen samples or more of each of fifty problems or more, as many of each, with answers that can be
    compared (None votes for nothing). Ties are settled by chance. Intervals are those of resampled problems around the
    law `self_consistency_dataset`, its power held to a half or more: a little narrow, and not for votes that end early
    nor for a single question (law `self_consistency`).
    Errors: `Refused` for unequal or fewer than 8 samples a problem, fewer than 5 problems, an answer right and wrong.
    Source: Feng et al. 2025, arXiv 2511.12309 (the form recalled; the floor and the intervals are ours).
    How far off values were and how often intervals held on planted chances: `benchmarks/votes.py`.

    >>> rows = [(p, i * (p + 3) % 10 < 6, i) for p in range(20) for i in range(10)]
    >>> found = votes_of([p for p, _, _ in rows], [str(right) for _, right, _ in rows], [right for _, right, _ in rows])
    >>> found.samples.tolist()[:3], bool(found.errors[-1] <= found.errors[0])
    ([3.0, 4.0, 5.0], True)
    """
    tallies = _tallies(problems, answers, correct)
    drawn = int(tallies[0][0].sum())
    lengths = np.unique(np.geomspace(_FROM, drawn, _LENGTHS).round()).astype(int)
    random = np.random.default_rng([seed, 21])
    errors = np.array([[_miss(counts, right, int(n), random) for n in lengths] for counts, right in tallies])
    picked = random.integers(0, len(errors), (bootstrap, len(errors)))
    curves = np.stack([errors[own].mean(axis=0) for own in picked])
    mean = errors.mean(axis=0)
    return Votes(lengths.astype(float), mean, level, _fit(mean[None], lengths)[0], _fit(curves, lengths))


def _tallies(
    problems: Sequence[Hashable], answers: Sequence[Hashable | None], correct: Sequence[bool | float]
) -> list[tuple[np.ndarray, int]]:
    """For each problem the samples of each answer, those that vote for nothing last, and the place of the right one (-1)."""
    found: dict[Hashable, dict[Hashable | None, list[float]]] = {}
    for problem, answer, grade in zip(problems, answers, correct, strict=True):
        found.setdefault(problem, {}).setdefault(answer, []).append(float(grade))
    made = []
    for problem, held in found.items():
        none = len(held.pop(None, []))
        if any(len(set(grades)) > 1 for grades in held.values()):
            raise Refused(
                "bad-votes", f"an answer of problem {problem!r} is both right and wrong", "correct", "mend it"
            )
        rights = [i for i, grades in enumerate(held.values()) if grades[0] == 1]
        if len(rights) > 1:
            raise Refused("bad-votes", f"problem {problem!r} has several right answers", "answers", "write them alike")
        made.append((np.array([*map(len, held.values()), none]), rights[0] if rights else -1))
    sizes = {int(counts.sum()) for counts, _ in made}
    if len(made) < 5 or len(sizes) > 1 or min(sizes, default=0) < 8:
        raise Refused("few-votes", f"{len(made)} problems of {min(sizes, default=0)} to {max(sizes, default=0)} samples",
                      "problems", "give 5 problems or more, 8 samples or more, as many of each")  # fmt: skip
    return made


def _miss(counts: np.ndarray, right: int, samples: int, random: np.random.Generator) -> float:
    """How often the commonest answer of so many of the samples is not the right one; ties are shared."""
    if right < 0:
        return 1.0
    voted = random.multivariate_hypergeometric(counts, samples, _SUBSETS, method="marginals")[:, :-1]
    top = voted.max(axis=1)
    won = (voted[:, right] == top) & (top > 0)
    return 1 - float(np.mean(won / np.maximum((voted == top[:, None]).sum(axis=1), 1)))


def _fit(curves: Array, lengths: np.ndarray) -> Array:
    """E, A and b (B, 3) of least squares, E from 0 to 1 and A from 0, at the best of a grid of b."""
    best, least = np.zeros((len(curves), 3)), np.full(len(curves), np.inf)
    for power in _POWERS:
        falling = lengths**-power
        centred = falling - falling.mean()
        scale = np.maximum(curves @ centred / (centred @ centred), 0.0)
        floor = curves.mean(axis=1) - scale * falling.mean()
        through = np.maximum(curves @ falling / (falling @ falling), 0.0)
        scale, floor = np.where(floor < 0, through, scale), np.maximum(floor, 0.0)
        missed = ((curves - floor[:, None] - scale[:, None] * falling) ** 2).sum(axis=1)
        better = missed < least - 1e-15
        best[better] = np.stack([floor, scale, np.full(len(curves), power)], axis=1)[better]
        least = np.where(better, missed, least)
    return best


def _at(points: Array, samples: float) -> Array:
    return np.asarray(points[..., 0] + points[..., 1] * samples ** -points[..., 2])


def _needed(points: Array, excess: float) -> Array:
    log = np.log(np.maximum(points[..., 1], excess * _FROM ** points[..., 2]) / excess) / points[..., 2]
    return np.asarray(np.exp(np.minimum(log, np.log(_FAR))))
