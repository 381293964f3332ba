"""How often a selector errs against a scorer, and what that makes of many samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from allometry.inference.sweeps.intervals import accuracy_interval
from allometry.inference.sweeps.selectors.best_of import BestOf, best_of_curves
from allometry.inference.sweeps.selectors.graded import WHERE, Array, Graded
from allometry.inference.sweeps.selectors.limits import ceiling
from allometry.inference.sweeps.selectors.reliability import Reliability, reliability
from allometry.inference.sweeps.selectors.resampling import FEWEST, group_weights
from allometry.notices import Interval, Refused

DRAWS = 1000


@dataclass(frozen=True)
class ProblemErrors:
    """One problem: its samples by truth and acceptance, and the ceiling by the rates that all problems share."""

    problem: str
    right: int
    wrong: int
    accepted_right: int
    accepted_wrong: int
    ceiling: float


@dataclass(frozen=True)
class SelectorErrors:
    """A selector against a scorer on the same samples.

    A sample is accepted where its score is at least the `threshold`. `false_positives` is the share of wrong samples
    that are accepted, `false_negatives` that of right ones that are not. `single` is the accuracy of one sample.
    `ceiling` is where best-of-N by acceptance tends to if all problems share those rates, `own_ceiling` if each keeps
    its own: where the second is lower, wrong answers are accepted where right ones are rare. `best_of` is what the
    scores themselves make of N samples, None where a problem has one only; `reliability` None for scores that are no
    chances.
    """

    selector: str
    scorer: str
    threshold: float
    samples: int
    single: Interval
    false_positives: Interval
    false_negatives: Interval
    ceiling: Interval
    own_ceiling: Interval
    problems: tuple[ProblemErrors, ...]
    best_of: BestOf | None
    reliability: Reliability | None
    level: float

    def as_json(self) -> dict[str, Any]:
        """Everything but the single problems, which may be many; `problems` is their number."""
        told = {name: value for name, value in vars(self).items() if name not in ("problems", "best_of", "reliability")}
        return {
            **{name: asdict(value) if isinstance(value, Interval) else value for name, value in told.items()},
            "problems": len(self.problems),
            "best_of": None if self.best_of is None else self.best_of.as_json(),
            "reliability": None if self.reliability is None else self.reliability.as_json(),
        }


@dataclass(frozen=True)
class Selected:
    """The selector of a strategy on an engine in a sweep, against the sweep's scorer."""

    strategy: str
    engine: str
    errors: SelectorErrors

    def as_json(self) -> dict[str, Any]:
        return {"strategy": self.strategy, "engine": self.engine, **self.errors.as_json()}


def selector_errors(samples: Graded, threshold: float | None = None, level: float = 0.9) -> SelectorErrors:
    """False positives and false negatives of a selector, the ceiling they mean, and the N beyond which more hurts.

    Use it on any selector before samples are bought for it. Intervals are over problems, whole groups where they have
    groups. A ceiling takes the share of right samples of each problem as measured: where none was right it is 0, so
    draw many (64 of each were tested) and read it as what can be told from those.
    Arguments: `threshold` is 0.5 for scores from 0 to 1; others need one.
    Errors: `Refused` for scores outside of 0 to 1 without a threshold.
    Source: see `ceiling`; intervals of ceilings are percentiles of a bootstrap over groups.

    >>> from allometry.inference.sweeps.selectors import graded
    >>> found = selector_errors(graded("aabb", [1, 0, 1, 0], [1, 0, 0, 0]))
    >>> round(found.false_positives.value, 4), found.false_negatives.value
    (0.3333, 0.0)
    """
    chances = bool(samples.scores.min() >= 0 and samples.scores.max() <= 1)
    if threshold is None and not chances:
        raise Refused("no-threshold", "scores outside of 0 to 1 do not say what is accepted", WHERE,
                      "give the threshold from which a sample is accepted (--threshold)")  # fmt: skip
    at = 0.5 if threshold is None else threshold
    counted = _counted(samples, at)
    pooled, own = _ceilings(counted, [samples.group_of[name] for name in samples.rows], level)
    by_problem = ceiling(_share(counted["right"], counted["all"]), *_rates({n: v.sum() for n, v in counted.items()}))
    problems = tuple(
        ProblemErrors(name, int(r), int(a - r), int(ar), int(aw), float(top))
        for name, r, a, ar, aw, top in zip(
            samples.rows, counted["right"], counted["all"], counted["accepted_right"], counted["accepted_wrong"],
            by_problem, strict=True,
        )
    )  # fmt: skip
    accepted, single = samples.scores >= at, samples.right.astype(float)
    return SelectorErrors(
        samples.selector, samples.scorer, at, len(samples.scores), accuracy_interval(single.tolist(), samples.groups, level),
        _rate(samples, accepted, ~samples.right, level, "no sample is wrong"),
        _rate(samples, ~accepted, samples.right, level, "no sample is right"), pooled, own, problems,
        best_of_curves(samples, level=level) if samples.fewest > 1 else None,
        reliability(samples, level=level) if chances else None, level,
    )  # fmt: skip


def _rate(samples: Graded, found: Any, among: Any, level: float, why: str) -> Interval:
    rows = np.flatnonzero(among)
    if not len(rows):
        return Interval(None, why=why)
    return accuracy_interval(found[rows].astype(float).tolist(), [samples.groups[i] for i in rows], level)


def _counted(samples: Graded, threshold: float) -> dict[str, Array]:
    """Counts by problem."""
    accepted = samples.scores >= threshold
    columns = {
        "all": np.ones(len(accepted)), "right": samples.right, "accepted_right": accepted & samples.right,
        "accepted_wrong": accepted & ~samples.right,
    }  # fmt: skip
    return {name: np.array([column[rows].sum() for rows in samples.rows.values()], float)
            for name, column in columns.items()}  # fmt: skip


def _share(part: Any, whole: Any) -> Any:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)


def _rates(counted: Mapping[str, Any]) -> tuple[Any, Any]:
    """False positives and negatives; 0 where there is nothing to err on."""
    wrong = counted["all"] - counted["right"]
    missed = _share(counted["right"] - counted["accepted_right"], counted["right"])
    return _share(counted["accepted_wrong"], wrong), missed


def _ceilings(counted: Mapping[str, Array], groups: list[str], level: float) -> tuple[Interval, Interval]:
    """The mean ceiling by shared rates and by each problem's own."""
    share = _share(counted["right"], counted["all"])
    weights, codes = group_weights(groups, DRAWS)
    weights = np.concatenate([np.ones((1, weights.shape[1])), weights])[:, codes]
    rates = _rates({name: weights @ column for name, column in counted.items()})
    shared = ceiling(share, *(rate[:, None] for rate in rates))
    passed = counted["accepted_right"] + counted["accepted_wrong"]
    own = np.where(passed > 0, _share(counted["accepted_right"], passed), shared)
    means = [(weights * tops).sum(1) / weights.sum(1) for tops in (shared, own)]
    few = len(set(groups)) < FEWEST
    return tuple(_percentiles(each, level, few) for each in means)  # type: ignore[return-value]


def _percentiles(values: Array, level: float, few: bool) -> Interval:
    if few:
        return Interval(float(values[0]), why=f"fewer than {FEWEST} groups of problems")
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values[0]), float(low), float(high))
