"""What sampling to targets will take, before it is begun: trials, right answers, queries that meet their cap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from allometry.data.sampling.rejection.rates import draw_rates
from allometry.data.sampling.rejection.targets import Array, Counts, check_rates
from allometry.data.sampling.rejection.trials import CappedTrials, capped_trials
from allometry.notices import Interval, Mark, Refused

DRAWS = 960


@dataclass(frozen=True, eq=False)
class TrialForecast:
    """What sampling each query until its target or the cap takes.

    `trials`, `right` and `short` (queries that stay below their target) are of all queries together, with the interval
    at `level`. `queries` are the expected numbers of each. `mark` says whether rates were assumed known or measured.
    """

    trials: Interval
    right: Interval
    short: Interval
    queries: CappedTrials
    level: float
    mark: Mark


def forecast_trials(
    targets: ArrayLike,
    cap: ArrayLike,
    *,
    rates: ArrayLike | None = None,
    successes: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    level: float = 0.9,
    draws: int = DRAWS,
    seed: int = 0,
) -> TrialForecast:
    """The trials of difficulty-aware rejection sampling, with an interval.

    Arguments: `targets` and `cap` (n,), or one for all; `rates` (n,) that are known, or else `successes` of `trials`
    (n,), whose uncertainty goes in. The value is the exact mean; the interval holds `level` of simulated outcomes.
    Errors: `Refused` where neither or both are given, and for a cap without end: an uncertain rate near zero has no
    expected number of trials.
    Source: Tong et al. 2024, arXiv 2407.13690 (the sampling); k/p and k(1-p)/p^2 without a cap.

    >>> forecast_trials(4, 1000, rates=[0.5, 0.1]).trials.value
    48.0
    """
    counted = successes is not None and trials is not None
    if (rates is None) != counted:
        raise Refused("no-rates", "give known rates, or successes and trials", "pass rates", "give one of the two")
    rng = np.random.default_rng(seed)
    found = check_rates(rates)[None] if rates is not None else draw_rates(successes, trials, draws, rng)  # type: ignore[arg-type]
    count = found.shape[1]
    wanted, most = (np.broadcast_to(np.asarray(given, dtype=float), count) for given in (targets, cap))
    if not np.isfinite(most).all() or (most < 0).any() or (wanted < 0).any():
        raise Refused("no-cap", "a forecast needs a cap on the trials of a query", "cap", "give a number from 1 up")
    each = _mean(found, wanted, most)
    totals = _simulated(np.resize(found, (draws, count)), wanted.astype(int), most.astype(int), rng)
    expected = (each.mean.sum(), each.right.sum(), (1 - each.met).sum())
    tails = np.quantile(totals, [(1 - level) / 2, (1 + level) / 2], axis=1)
    among, right, short = (
        Interval(float(value), float(low), float(high)) for value, low, high in zip(expected, *tails, strict=True)
    )
    return TrialForecast(among, right, short, each, level, "assumed" if rates is not None else "measured")


def _mean(rates: Array, targets: Array, cap: Array) -> CappedTrials:
    """The expected numbers of each query, over draws of its rate."""
    draws = [capped_trials(row, targets, cap) for row in rates]
    mean, right, met = (np.mean([getattr(one, name) for one in draws], axis=0) for name in ("mean", "right", "met"))
    second = np.mean([one.sd**2 + one.mean**2 for one in draws], axis=0)
    return CappedTrials(mean, np.sqrt(np.maximum(second - mean**2, 0)), right, met)


def _simulated(rates: Array, targets: Counts, cap: Counts, rng: np.random.Generator) -> Array:
    """Trials, right answers and unmet targets of all queries (3, draws).

    Of c trials X are right. Where X is k or more, what comes before the k-th of them is negative hypergeometric, so no
    trial is drawn by itself, and no rate near zero is waited for.
    """
    right = rng.binomial(cap, rates)
    met = (right >= targets) & (targets > 0)
    at = rng.beta(np.where(met, targets, 1), np.where(met, right - targets + 1, 1))
    used = np.where(met, targets + rng.binomial(cap - right, at), np.where(targets > 0, cap, 0))
    return np.array([used.sum(1), np.minimum(right, targets).sum(1), (right < targets).sum(1)], dtype=float)
