"""Does pruning beat random selection at this compute, and where does it begin to: from a table of pruning runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allometry.data.arms import RANDOM, pruning_arms
from allometry.data.told import told_json
from allometry.fits import Fit, Settings, fit
from allometry.forecasts import FIT_NOISE, metric_at, percentiles
from allometry.laws import find_law
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.crossover import Crossovers, crossover, paired_draws
from allometry.plans.ends import ends_json
from allometry.runs import Runs, read_runs

Array = np.ndarray
LAW = "hestness"
FEWEST = 4  # sizes that an arm needs: one more than the law has parameters
RANGE = 65  # places of the curves


@dataclass(frozen=True)
class Arm:
    """One way of pruning: its metric, the share it keeps where that is fixed, its fit, and how it compares with random.

    `error` at the budget, `difference` from random's there (below zero: better), `better` the share of draws in which
    it is, `crossings` in examples.
    """

    name: str
    metric: str
    kept: float | None
    fit: Fit
    error: Interval
    difference: Interval
    better: float | None
    crossings: Crossovers | None


@dataclass(frozen=True)
class Pruned:
    """Every arm at the budget, best first; `random` is the curve they are held against, `best` what to do."""

    examples: float
    best: str
    random: Arm
    arms: tuple[Arm, ...]
    sentence: str
    places: Array
    rows: int
    kept: int
    level: float
    interval: str
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, Any]:
        every = (self.random, *self.arms)
        return {
            "kind": "pruning", "examples": self.examples, "best": self.best, "sentence": self.sentence,
            "arms": [_arm_json(arm) for arm in every],
            "curve": [
                {"arm": arm.name, "examples": float(x), "error": float(value)}
                for arm in every for x, value in zip(self.places, arm.fit.predict({"examples": self.places}), strict=True)
            ],
            **told_json(self),
        }  # fmt: skip


def _arm_json(arm: Arm) -> dict[str, Any]:
    crossings = None if arm.crossings is None else arm.crossings.as_json()
    return {"name": arm.name, "metric": arm.metric, "kept": arm.kept, "error": ends_json(arm.error),
            "difference": ends_json(arm.difference), "better": arm.better, "crossover": crossings}  # fmt: skip


def compare_pruning(
    source: object, examples: float, *, law: str = LAW, where: str | None = None, settings: Settings | None = None
) -> Pruned:
    """Every way of pruning against random selection at a budget of examples trained on, and where they cross.

    Use it on a table with columns `metric` (one of them random), `kept` (share of the pool; without that column each
    metric is one curve), `examples` trained on and `error`. A metric at one kept share over several sizes of pool is an arm; where shares have one size each, the
    metric is, over its shares. All runs of random selection are one curve, for which examples they were matters not.
    Not for budgets far beyond the runs: the crossing holds fit noise only.
    Arguments: `examples` the budget; `law` over examples, by default a power law with a floor.
    Errors: `Refused` for no random rows, a row of an arm whose `kept` is no share, and arms of fewer than four sizes.
    Source: Sorscher et al. 2022, arXiv 2206.14486: keep-hard pays with much data only.

    >>> sizes = np.geomspace(1e3, 1e5, 6)
    >>> table = {"metric": ["random"] * 6 + ["margin"] * 6, "kept": [1.0] * 6 + [0.5] * 6, "examples": np.tile(sizes, 2),
    ...          "error": np.concatenate([0.02 + 5 * sizes**-0.5, 0.02 + 50 * sizes**-0.75])}
    >>> found = compare_pruning(table, 1e5, settings=Settings(bootstrap=0))
    >>> found.best, f"{found.arms[0].crossings.crossings[0].at.value:.4g}"
    ('margin, half kept', '1e+04')
    """
    if not (np.isfinite(examples) and examples > 0):
        raise Refused("bad-value", f"{examples:g} is no number of examples", "--examples", "give a positive number")
    settings = settings or Settings()
    if (axes := find_law(law, metric="error").axes) != ("examples",):
        raise Refused(
            "other-axes",
            f"{law} is a law over {', '.join(axes)}",
            "--law",
            f"give one over examples alone, such as {LAW}",
        )
    runs = read_runs(source, rows="all", where=where)
    groups = {arm.name: arm for arm in pruning_arms(runs)}
    if RANDOM not in groups:
        raise Refused(
            "no-random",
            "no row has the metric random",
            runs.source,
            "add runs on random subsets: pruning is held against them",
        )
    if len(groups) < 2:
        raise Refused("no-arms", "every row has the metric random", runs.source, "add runs on pruned subsets")
    fits = {name: _fitted(name, part, law, settings) for name, (part, _, _) in groups.items()}
    seen = runs.column("examples")
    low, high = min(float(np.nanmin(seen)), examples), max(float(np.nanmax(seen)), examples)
    base = fits[RANDOM]
    arms = [
        _arm(name, metric, kept, fits[name], base, examples, (low, high))
        for name, (_, metric, kept) in groups.items()
        if name != RANDOM
    ]
    arms.sort(key=lambda arm: float(arm.error.value or 0.0))
    random = _arm(RANDOM, RANDOM, None, base, base, examples, None)
    best = arms[0] if (arms[0].difference.value or 0.0) < 0 else random
    return Pruned(
        examples=examples, best=best.name, random=random, arms=tuple(arms), sentence=_sentence(best, arms, examples, settings.level),
        places=np.geomspace(low, high, RANGE), rows=runs.given, kept=sum(len(each.rows) for each in fits.values()), level=settings.level,
        interval=FIT_NOISE if len(base.draws) else "none",
        steps=(Step("law", f"{base.law.name} over examples, one fit an arm", "fitted"),
               Step("compute", "examples trained on, each arm for as long; what scoring the pool costs is not counted", "assumed")),
        notices=_notices(fits, examples),
    )  # fmt: skip


def _sizes(runs: Runs) -> int:
    return len(np.unique(runs.column("examples")))


def _fitted(name: str, runs: Runs, law: str, settings: Settings) -> Fit:
    if _sizes(runs) < FEWEST:
        raise Refused("few-sizes", f"{name} has runs at {_sizes(runs)} numbers of examples, and a curve needs {FEWEST}", runs.source,
                      "add sizes, or leave it out (--where)")  # fmt: skip
    try:
        rows = runs.rows_for(["examples"], "error", logs={"examples", "error"})
        return fit(rows, find_law(law, metric="error"), settings, target="error")
    except Refused as refused:
        raise Refused(refused.code, f"{name}: {refused.message}", refused.where, refused.mend) from None


def _arm(
    name: str, metric: str, kept: float | None, own: Fit, base: Fit, examples: float, ends: tuple[float, float] | None
) -> Arm:
    at = {"examples": np.array([examples])}
    value, other = float(own.predict(at)[0]), float(base.predict(at)[0])
    level, why = own.settings.level, own.interval_kind
    ours, theirs = (
        metric_at(one.law, draws, at)[:, 0] for one, draws in zip((own, base), paired_draws(own, base), strict=True)
    )
    apart = ours - theirs if len(own.draws) else np.empty(0)
    itself = Interval(None, None, None, "it is what the others are held against")
    return Arm(
        name, metric, kept, own, percentiles(value, metric_at(own.law, own.draws, at)[:, 0], level, why),
        itself if own is base else percentiles(value - other, apart, level, why), float(np.mean(apart < 0)) if len(apart) and own is not base else None,
        None if ends is None else crossover(own, base, "examples", {}, *ends),
    )  # fmt: skip


def _sentence(best: Arm, arms: list[Arm], examples: float, level: float) -> str:
    if best.crossings is None:
        near = arms[0]
        return (
            f"random selection is best at {examples:.4g} examples: {near.name} is worse by {near.difference.value:.3g}"
        )
    gain = f"{best.name} beats random selection at {examples:.4g} examples by {-(best.difference.value or 0):.3g}"
    if best.difference.high is None:
        return f"{gain}; how sure that is no interval says ({best.difference.why})"
    sure = (
        f"beyond its {level:.0%} interval"
        if best.difference.high < 0
        else "which its interval does not tell from nothing"
    )
    return f"{gain}, {sure}"


def _notices(fits: Mapping[str, Fit], examples: float) -> tuple[Notice, ...]:
    said = [Notice(notice.code, f"{name}: {notice.message}") for name, one in fits.items() for notice in one.notices]
    for name, one in fits.items():
        if examples > (most := float(one.rows.axes["examples"].max())):
            said.append(
                Notice(
                    "beyond-runs",
                    f"{name}: the budget is {examples / most:.3g} times its largest run: intervals hold fit noise only",
                )
            )
    return tuple(said)
