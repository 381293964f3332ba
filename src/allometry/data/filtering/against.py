"""Fits of pruning arms, and how far each lies from random selection at a budget, by their draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from allometry.data.arms import RANDOM
from allometry.fits import Fit, Settings, fit
from allometry.fits.widening import widening
from allometry.forecasts import holding, metric_at, percentiles, together
from allometry.laws import find_law
from allometry.notices import Interval, Refused
from allometry.runs import Runs

Array = np.ndarray
FEWEST = 4  # sizes that an arm needs: one more than the law has parameters
SIZES = 5  # below which runs of one size no longer count as measurements of their own


def fitted(name: str, runs: Runs, law: str, settings: Settings) -> Fit:
    """The curve of one arm; `Refused`, by the arm, for too few sizes and what `fit` refuses."""
    sizes = len(np.unique(runs.column("examples")))
    if sizes < FEWEST:
        raise Refused("few-sizes", f"{name} has runs at {sizes} numbers of examples, and a curve needs {FEWEST}", runs.source,
                      "add sizes, or leave it out (--where)")  # fmt: skip
    try:
        rows = runs.rows_for(["examples"], "error", logs={"examples", "error"})
        return fit(rows, find_law(law, metric="error"), settings, target="error")
    except Refused as refused:
        raise Refused(refused.code, f"{name}: {refused.message}", refused.where, refused.mend) from None


def differences(fits: Mapping[str, Fit], examples: float, seed: int) -> tuple[dict[str, Interval], dict[str, float | None]]:  # fmt: skip
    """Each arm's error less random's, with intervals that hold for all arms at once, and the share of its draws below 0."""
    base, names = fits[RANDOM], [name for name in fits if name != RANDOM]
    level = base.settings.level
    drawn = _apart([fits[name] for name in names], base, examples, seed)
    wider = [max(wider_by(fits[name]), wider_by(base)) for name in names]
    told = together(drawn[0].tolist(), drawn[1:], level, base.interval_kind, wider)
    found = {name: enough(one, len(drawn) - 1, level, len(names)) for name, one in zip(names, told, strict=True)}
    return found, {name: _below(drawn[1:, k]) for k, name in enumerate(names)}


def error_at(one: Fit, examples: float) -> Interval:
    """The error of an arm, with an interval of its own that is widened as those of differences are."""
    return _errors(one, np.array([examples]))[0]


def band(one: Fit, places: Array) -> tuple[Array, Array, Array]:
    """The curve at `places` (n,) with the ends of those intervals, nan where there are none."""
    told = _errors(one, places)
    ends = np.array([(each.value, each.low, each.high) for each in told], dtype=float)
    return ends[:, 0], ends[:, 1], ends[:, 2]


def _errors(one: Fit, places: Array) -> list[Interval]:
    value, level = one.predict({"examples": places}), one.settings.level
    drawn = metric_at(one.law, one.draws, {"examples": places})
    with np.errstate(all="ignore"):
        moved = value * (drawn / value) ** wider_by(one)  # in logarithms: no error is below zero
    told = (percentiles(float(v), moved[:, i], level, one.interval_kind) for i, v in enumerate(value))
    return [enough(holding(each), len(drawn), level) for each in told]


def beyond(draws: int, level: float, arms: int = 1) -> float:
    """How many draws lie beyond an end of one interval, were arms apart independent."""
    return round(draws * (1 - level ** (1 / arms)) / 2, 9)


def enough(told: Interval, draws: int, level: float, arms: int = 1) -> Interval:
    """The interval, or none where no draw is expected beyond its ends: they would be the outermost of a handful."""
    if told.low is None or beyond(draws, level, arms) >= 1:
        return told
    return Interval(told.value, None, None, f"{draws} draws are too few for an interval: give more (--bootstrap)")


def wider_by(one: Fit) -> float:
    """How much further the draws of a fit are put.

    Runs of one size count as measurements of their own where five sizes or more were resampled. Below that resamples
    of whole sizes say too little of noise: of tables of four sizes of three runs in which no arm differs from random,
    18 to 23% had one told apart at 90%, by laws of two parameters and of three.
    """
    unknowns = len(one.law.parameters) - len(one.settings.fixed)
    repeats = one.rows.cluster_kind == "repeats" and resampled_sizes(one) >= SIZES
    return widening(len(one.rows) if repeats else resampled_sizes(one), unknowns, one.settings.level)


def resampled_sizes(one: Fit) -> int:
    """How many groups of rows were resampled: sizes where several runs are of one."""
    return len(one.rows) if one.rows.cluster is None else len(np.unique(one.rows.cluster))


def _apart(arms: Sequence[Fit], base: Fit, examples: float, seed: int) -> Array:
    """Each arm's error less random's (1 + B, K): of the estimates, then of joint draws.

    The draws of random are common to all arms. Those of each arm are put in an order of their own: fits with one seed
    resample alike, row number by row number, though arms share no run.
    """
    at, moved = {"examples": np.array([examples])}, np.random.default_rng(seed)
    count = min(len(one.draws) for one in (*arms, base))
    drawn = [_at(one, one.draws, examples)[moved.permutation(len(one.draws))[:count]] for one in arms]
    errors = np.stack([np.concatenate([one.predict(at), own]) for one, own in zip(arms, drawn, strict=True)], axis=1)
    return np.asarray(errors - np.concatenate([base.predict(at), _at(base, base.draws, examples)[:count]])[:, None])


def _at(one: Fit, draws: Array, examples: float) -> Array:
    return np.asarray(metric_at(one.law, draws, {"examples": np.array([examples])})[:, 0])


def _below(apart: Array) -> float | None:
    usable = apart[np.isfinite(apart)]
    return float(np.mean(usable < 0)) if len(usable) else None
