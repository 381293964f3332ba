"""Repeat or filter data at this compute: how many pools, best first, to train on, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import metric_at
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.chain import fitted_mark
from allometry.plans.ends import open_percentiles
from allometry.plans.questions.answer import Answer, Value

Array = NDArray[np.float64]
SHARE = "share_"
MOST_PASSES = 10


def filtering(fit: Fit, pool: float, budgets: Sequence[float], *, level: float | None = None) -> Answer:
    """How many of the pools, best first, to train on at each budget of examples seen: fewer and repeated, or more and worse.

    Use it with a law of mixtures of pools over examples, pool_samples and shares, such as quality_mixture fitted to runs
    on single pools, or its published constants. Pools are of one size, the fit's first is the best.
    Arguments: `pool` is the number of different examples in one pool, `budgets` examples seen in all, repeats counted.
    Errors: `Refused` for a law without pools, and for numbers that cannot be.
    Source: Goyal et al. 2024, arXiv 2404.07177: the best filter hangs on the compute.

    >>> from allometry.fits import published_fit
    >>> found = filtering(published_fit("quality_mixture_early_floor@tmars"), 1.28e7, [3.2e7, 1.28e8, 6.4e8])
    >>> [row["pools"] for row in found.rows]
    [1.0, 2.0, 3.0]
    """
    shares = [name for name in fit.law.axes if name.startswith(SHARE)]
    if not shares or not {"examples", "pool_samples"} <= set(fit.law.axes):
        raise Refused("no-pools", f"{fit.law.name} is no law of pools and their shares", "the law",
                      "fit quality_mixture to runs on the pools, or use quality_mixture_early_floor@tmars")  # fmt: skip
    for value in (pool, *budgets):
        if not (np.isfinite(value) and value > 0):
            raise Refused(
                "bad-value", f"{value:g} is no number of examples", "--pool, --examples", "give positive numbers"
            )
    level = fit.settings.level if level is None else level
    rows, notices = [], []
    for budget in sorted(budgets):
        errors = np.stack([_errors(fit, shares, count, pool, budget) for count in range(1, len(shares) + 1)])
        best = int(np.argmin(errors[:, 0]))
        agree = float(np.mean(np.argmin(errors[:, 1:], axis=0) == best)) if errors.shape[1] > 1 else None
        row: dict[str, Value] = {"examples": budget, "pools": float(best + 1), "passes": budget / (pool * (best + 1)),
                                 fit.law.metric: float(errors[best, 0]), "share of draws": agree}  # fmt: skip
        row |= {f"{fit.law.metric} of {count + 1}": _ends(fit, errors[count], level) for count in range(len(shares))}
        rows.append(row)
        if agree is not None and agree < level:
            notices.append(
                Notice(
                    "choice-uncertain", f"at {budget:g} examples {best + 1} pools are best in {agree:.0%} of the draws"
                )
            )
        if budget / pool > MOST_PASSES:
            notices.append(Notice("passes-beyond-law", f"at {budget:g} examples one pool is passed over {budget / pool:.3g} times: the "
                                  f"laws of pools count {MOST_PASSES} passes, and further ones as nothing"))  # fmt: skip
    turns = ", ".join(f"{row['pools']:g} at {row['examples']:.3g}" for row in rows)
    return Answer(
        question="repeat or filter data",
        sentence=f"pools to keep, of {len(shares)} by examples seen: {turns}",
        rows=tuple(rows),
        steps=(
            Step("law", f"{fit.law.name} ({fit.status})", fitted_mark(fit)),
            Step("pools", f"{pool:.4g} different examples each, best first, mixed evenly; more examples than that are repeats", "assumed"),
        ),
        notices=tuple(notices),
    )  # fmt: skip


def _errors(fit: Fit, shares: Sequence[str], count: int, pool: float, budget: float) -> Array:
    """The metric (1 + B,) of the first `count` pools together."""
    points = {name: np.array([1 / count if i < count else 0.0]) for i, name in enumerate(shares)}
    points |= {"examples": np.array([budget]), "pool_samples": np.array([pool * count])}
    return metric_at(fit.law, np.concatenate([fit.estimate[None], fit.draws]), points)[:, 0]


def _ends(fit: Fit, values: Array, level: float) -> Interval:
    if len(values) == 1:
        return Interval(float(values[0]), None, None, fit.interval_kind)
    found = open_percentiles(values[1:], level)
    return Interval(float(values[0]), found.low, found.high, found.why)
