"""What sampling to targets will take, before it is begun: trials, right answers, queries that meet their cap.

Outcomes are simulated, some queries at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from allometry.data.sampling.rejection.rates import check_counts, draw_spreads
from allometry.data.sampling.rejection.targets import Array, Counts, check_rates
from allometry.data.sampling.rejection.trials import CappedTrials, capped_trials
from allometry.data.sampling.rejection.vanilla import mean_difficulty
from allometry.notices import Interval, Mark, Refused

DRAWS = 960
_TOGETHER = 2048
"""Queries that are simulated at the same time."""


@dataclass(frozen=True, eq=False)
class TrialForecast:
    """What sampling each query until its target or the cap takes.

    `trials`, `right` and `short` (queries that stay below their target) are of all queries together, with the interval
    at `level`. `queries` are the expected numbers of each, `difficulty` the mean fail rate of a right answer that is
    kept. `mark` says whether rates were assumed known or measured.
    """

    trials: Interval
    right: Interval
    short: Interval
    queries: CappedTrials
    difficulty: float
    level: float
    mark: Mark


def forecast_trials(
    targets: ArrayLike,
    cap: ArrayLike,
    *,
    rates: ArrayLike | None = None,
    successes: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    begun: bool = False,
    level: float = 0.9,
    draws: int = DRAWS,
    seed: int = 0,
) -> TrialForecast:
    """The trials of difficulty-aware rejection sampling, with an interval.

    Arguments: `targets` and `cap` (n,), or one for all; `rates` (n,) that are known, or else `successes` of `trials`
    (n,), whose uncertainty goes in; `begun` where these trials are the first of those that are forecast, as a pilot's
    are: targets, cap and what is told are then with them. With known rates the value is the exact mean, else that of
    the simulated outcomes, of which the interval holds `level`.
    Errors: `Refused` where neither or both are given, for a cap below the trials that are made already, and for a cap
    without end: an uncertain rate near zero has no expected number of trials.
    Source: Tong et al. 2024, arXiv 2407.13690 (the sampling); k/p and k(1-p)/p^2 without a cap.

    >>> forecast_trials(4, 1000, rates=[0.5, 0.1]).trials.value
    48.0
    """
    counted = successes is not None and trials is not None
    if (rates is None) != counted:
        raise Refused("no-rates", "give known rates, or successes and trials", "pass rates", "give one of the two")
    rng = np.random.default_rng(seed)
    if rates is not None:
        known = check_rates(rates)
        right = drawn = np.zeros(len(known))
        blocks = _alike(known, draws)
    else:
        right, drawn = check_counts(successes, trials)  # type: ignore[arg-type]
        blocks = _posterior(right, drawn, draws, rng)
    wanted, most = _checked(targets, cap, len(right))
    made = drawn if begun else np.zeros(len(drawn))
    if (most < made).any():
        raise Refused("bad-cap", "a query has more trials already than its cap", "cap", "raise it")
    had = np.minimum(wanted, right) if begun else made
    totals, each, hard = _all(blocks, wanted - had, most - made, had, draws, rng)
    if rates is not None:
        each = capped_trials(known, wanted, most)
        difficulty = mean_difficulty(each.right, known)
    else:
        each = each._replace(mean=each.mean + made, right=each.right + had)
        difficulty = hard / each.right.sum() if each.right.any() else float("nan")
    expected = (each.mean.sum(), each.right.sum(), (1 - each.met).sum())
    more = np.array([[made.sum()], [had.sum()], [0.0]])
    tails = np.quantile(totals + more, [(1 - level) / 2, (1 + level) / 2], axis=1)
    among, got, short = (
        Interval(float(v), float(low), float(high)) for v, low, high in zip(expected, *tails, strict=True)
    )
    return TrialForecast(among, got, short, each, difficulty, level, "assumed" if rates is not None else "measured")


def _checked(targets: ArrayLike, cap: ArrayLike, count: int) -> tuple[Array, Array]:
    wanted, most = (np.broadcast_to(np.asarray(given, dtype=float), count) for given in (targets, cap))
    if not np.isfinite(most).all() or (most < 0).any() or (wanted < 0).any():
        raise Refused("no-cap", "a forecast needs a cap on the trials of a query", "cap", "give a number from 1 up")
    return wanted, most


def _blocks(values: Array) -> Iterator[Array]:
    return (values[start : start + _TOGETHER] for start in range(0, len(values), _TOGETHER))


def _alike(rates: Array, draws: int) -> Iterator[Array]:
    """Known pass rates (draws, block), block by block."""
    return (np.broadcast_to(part, (draws, len(part))) for part in _blocks(rates))


def _posterior(right: Array, drawn: Array, draws: int, rng: np.random.Generator) -> Iterator[Array]:
    """Pass rates (draws, block) that counts leave open, block by block, of one spread over all queries a draw."""
    a, b = draw_spreads(right, drawn, draws, rng)
    for good, all_ in zip(_blocks(right), _blocks(drawn), strict=True):
        yield rng.beta(a + good, b + all_ - good)


def _all(
    blocks: Iterator[Array], targets: Array, cap: Array, had: Array, draws: int, rng: np.random.Generator
) -> tuple[Array, CappedTrials, float]:
    """Trials, right answers and unmet targets of all queries together (3, draws), the means of each query, and the mean
    sum of fail rates of right answers, those that queries `had` among them.
    """
    totals, each, hard, at = np.zeros((3, draws)), list[CappedTrials](), 0.0, 0
    for rates in blocks:
        part = slice(at, at + rates.shape[1])
        used, right, short = _simulated(rates, targets[part].astype(np.int64), cap[part].astype(np.int64), rng)
        totals += np.stack([used.sum(1), right.sum(1), short.sum(1)])
        hard += float(((right + had[part]) * (1 - rates)).sum(1).mean())
        each.append(CappedTrials(used.mean(0), used.std(0), right.mean(0), 1 - short.mean(0)))
        at = part.stop
    return totals, CappedTrials(*(np.concatenate(parts) for parts in zip(*each, strict=True))), hard


def _simulated(rates: Array, targets: Counts, cap: Counts, rng: np.random.Generator) -> tuple[Counts, Counts, Counts]:
    """Trials, right answers and whether a target is unmet, (draws, block) each.

    Of c trials X are right. Where X is k or more, what comes before the k-th of them is negative hypergeometric, so no
    trial is drawn by itself, and no rate near zero is waited for.
    """
    right = rng.binomial(cap, rates)
    met = (right >= targets) & (targets > 0)
    at = rng.beta(np.where(met, targets, 1), np.where(met, right - targets + 1, 1))
    used = np.where(met, targets + rng.binomial(cap - right, at), np.where(targets > 0, cap, 0))
    return used, np.minimum(right, targets), (right < targets).astype(np.int64)
