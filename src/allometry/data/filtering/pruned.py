"""Does pruning beat random selection at this compute, and where does it begin to: from a table of pruning runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from allometry.data.arms import RANDOM, ArmRuns, pruning_arms
from allometry.data.told import told_json
from allometry.fits import Fit, Settings, Tick, fit
from allometry.fits.widening import widening
from allometry.forecasts import FIT_NOISE, metric_at, percentiles, together
from allometry.laws import find_law
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.crossover import Crossovers, crossover
from allometry.plans.ends import ends_json
from allometry.runs import Runs, read_runs

Array = np.ndarray
LAW = "hestness"
FEWEST = 4  # sizes that an arm needs: one more than the law has parameters
RANGE = 65  # places of the curves
FEW_DRAWS = 5  # beyond the end of an interval, below which that end is chance; assumed


@dataclass(frozen=True)
class Arm:
    """One way of pruning: its metric, the share it keeps where that is fixed, its fit, and how it compares with random.

    `error` at the budget, `difference` from random's there (below zero: better) with an interval that holds for all arms
    at once, `ahead` who that puts ahead, `better` the share of draws in which the arm is, for itself alone; `crossings`
    in examples.
    """

    name: str
    metric: str
    kept: float | None
    fit: Fit
    error: Interval
    difference: Interval
    ahead: Literal["metric", "random", "not told apart", ""]
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
            "difference": ends_json(arm.difference), "ahead": arm.ahead, "better": arm.better, "crossover": crossings}  # fmt: skip


def compare_pruning(
    source: object, examples: float, *, law: str = LAW, where: str | None = None, settings: Settings | None = None,
    tick: Tick = lambda _: None,
) -> Pruned:  # fmt: skip
    """Every way of pruning against random selection at a budget of examples trained on, and where they cross.

    Use it on a table with columns `metric` (one of them random), `kept` (share of the pool; without that column each
    metric is one curve), `examples` trained on and `error`. A metric at one kept share over several sizes of pool is an arm; where shares have one size each, the
    metric is, over its shares. All runs of random selection are one curve, for which examples they were matters not.
    Not for budgets far beyond the runs: the crossing holds fit noise only.
    Arguments: `examples` the budget; `law` over examples, by default a power law with a floor; `tick`
    is called with 1 for every arm fitted.
    Method: the best arm is chosen among several, so the intervals of all differences hold at once (`together`), widened as
    those of `plans.arms` for few runs.
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
    fits = dict[str, Fit]()
    for name, group in groups.items():
        fits[name] = _fitted(name, group.runs, law, settings)
        tick(1)
    seen = runs.column("examples")
    low, high = min(float(np.nanmin(seen)), examples), max(float(np.nanmax(seen)), examples)
    base, names = fits[RANDOM], [name for name in groups if name != RANDOM]
    apart = _apart([fits[name] for name in names], base, examples, settings.seed)
    wider = [_wider(fits[name], base) for name in names]
    told = together(apart[0].tolist(), apart[1:], settings.level, base.interval_kind, wider)
    arms = [
        _arm(groups[name], fits[name], base, examples, (low, high), difference, apart[1:, k])
        for k, (name, difference) in enumerate(zip(names, told, strict=True))
    ]
    arms.sort(key=lambda arm: float(arm.error.value or 0.0))
    itself = Interval(None, None, None, "it is what the others are held against")
    random = Arm(RANDOM, RANDOM, None, base, _error(base, examples), itself, "", None, None)
    best = arms[0] if (arms[0].difference.value or 0.0) < 0 else random
    return Pruned(
        examples=examples, best=best.name, random=random, arms=tuple(arms), sentence=_sentence(best, arms, examples, settings.level),
        places=np.geomspace(low, high, RANGE), rows=runs.given, kept=sum(len(each.rows) for each in fits.values()), level=settings.level,
        interval=FIT_NOISE if len(base.draws) else "none",
        steps=(Step("law", f"{base.law.name} over examples, one fit an arm", "fitted"),
               Step("compute", "examples trained on, each arm for as long; what scoring the pool costs is not counted", "assumed")),
        notices=_notices(fits, examples, len(apart) - 1, settings.level),
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


def _wider(own: Fit, base: Fit) -> float:
    """How much further draws are put, for the one of fewer runs."""
    runs = min(_runs(one) for one in (own, base))
    return widening(runs, len(own.law.parameters) - len(own.settings.fixed), own.settings.level)


def _runs(one: Fit) -> int:
    """Independent measurements: runs of one size repeat it, rows of one run do not."""
    groups = one.rows.cluster
    return len(one.rows) if groups is None or one.rows.cluster_kind == "repeats" else len(np.unique(groups))


def _at(one: Fit, draws: Array, examples: float) -> Array:
    return np.asarray(metric_at(one.law, draws, {"examples": np.array([examples])})[:, 0])


def _error(one: Fit, examples: float) -> Interval:
    value = float(one.predict({"examples": np.array([examples])})[0])
    return percentiles(value, _at(one, one.draws, examples), one.settings.level, one.interval_kind)


def _arm(
    runs: ArmRuns, own: Fit, base: Fit, examples: float, ends: tuple[float, float], difference: Interval, apart: Array
) -> Arm:
    return Arm(
        runs.name, runs.metric, runs.kept, own, _error(own, examples), difference, _ahead(difference),
        float(np.mean(apart < 0)) if len(apart) else None, crossover(own, base, "examples", {}, *ends),
    )  # fmt: skip


def _ahead(difference: Interval) -> Literal["metric", "random", "not told apart", ""]:
    if difference.low is None or difference.high is None:
        return ""
    return "metric" if difference.high < 0 else "random" if difference.low > 0 else "not told apart"


def _sentence(best: Arm, arms: list[Arm], examples: float, level: float) -> str:
    if best.crossings is None:
        near = arms[0]
        return (
            f"random selection is best at {examples:.4g} examples: {near.name} is worse by {near.difference.value:.3g}"
        )
    gain = f"{best.name} beats random selection at {examples:.4g} examples by {-(best.difference.value or 0):.3g}"
    if best.difference.high is None or best.difference.low is None:
        return f"{gain}; how sure that is no interval says ({best.difference.why})"
    kind = f"{level:.0%} interval" + (f" that holds for all {len(arms)} arms at once" if len(arms) > 1 else "")
    ends = f"[{-best.difference.high:.3g}, {-best.difference.low:.3g}]"
    told = "beyond the" if best.ahead == "metric" else "which is not told from nothing by the"
    return f"{gain} {ends}, {told} {kind}"


def _notices(fits: Mapping[str, Fit], examples: float, draws: int, level: float) -> tuple[Notice, ...]:
    said = [Notice(notice.code, f"{name}: {notice.message}") for name, one in fits.items() for notice in one.notices]
    for name, one in fits.items():
        if examples > (most := float(one.rows.axes["examples"].max())):
            said.append(
                Notice(
                    "beyond-runs",
                    f"{name}: the budget is {examples / most:.3g} times its largest run: intervals hold fit noise only",
                )
            )
    arms = len(fits) - 1
    beyond = draws * (1 - level ** (1 / arms)) / 2  # of one arm, were arms apart independent
    if 0 < beyond < FEW_DRAWS:
        message = f"intervals for {arms} arms at once end at the outermost {beyond:.2g} of {draws} draws"
        said.append(
            Notice("few-draws", f"{message}: give --bootstrap {int(np.ceil(draws * FEW_DRAWS / beyond / 1000)) * 1000}")
        )
    return tuple(said)
