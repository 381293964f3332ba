"""Does pruning beat random selection at this compute, and where does it begin to: from a table of pruning runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allometry.data.arms import RANDOM, ArmRuns, pruning_arms
from allometry.data.filtering.against import differences, enough, error_at, fitted
from allometry.data.filtering.arm import Ahead, Arm, notices, sentence
from allometry.data.told import told_json
from allometry.fits import Fit, Settings, Tick
from allometry.forecasts import FIT_NOISE, holding
from allometry.laws import find_law
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.crossover import Crossovers, crossover
from allometry.plans.ends import ends_json
from allometry.runs import Runs, read_runs

Array = np.ndarray
LAW = "hestness"
RANGE = 65  # places of the curves


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
    those of errors for few runs.
    Errors: `Refused` for no random rows, a row of an arm whose `kept` is no share, and arms of fewer than four sizes.
    Source: Sorscher et al. 2022, arXiv 2206.14486: keep-hard pays with much data only.

    >>> sizes = np.geomspace(1e3, 1e5, 6)
    >>> table = {"metric": ["random"] * 6 + ["margin"] * 6, "kept": [1.0] * 6 + [0.5] * 6, "examples": np.tile(sizes, 2),
    ...          "error": np.concatenate([0.02 + 5 * sizes**-0.5, 0.02 + 50 * sizes**-0.75])}
    >>> found = compare_pruning(table, 1e5, settings=Settings(bootstrap=0))
    >>> found.best, f"{found.arms[0].crossings.crossings[0].at.value:.4g}"
    ('margin, half kept', '1e+04')
    """
    settings = settings or Settings()
    _check(examples, law)
    runs = read_runs(source, rows="all", where=where)
    groups = _groups(runs)
    fits = dict[str, Fit]()
    for name, group in groups.items():
        fits[name] = fitted(name, group.runs, law, settings)
        tick(1)
    seen = runs.column("examples")
    ends = min(float(np.nanmin(seen)), examples), max(float(np.nanmax(seen)), examples)
    random, arms = _arms(groups, fits, examples, ends, settings.seed)
    best = arms[0] if (arms[0].difference.value or 0.0) < 0 else random
    return Pruned(
        examples=examples, best=best.name, random=random, arms=arms, sentence=sentence(best, arms, examples, settings.level),
        places=np.geomspace(*ends, RANGE), rows=runs.given, kept=sum(len(each.rows) for each in fits.values()),
        level=settings.level, interval=FIT_NOISE if len(random.fit.draws) else "none", steps=_steps(random),
        notices=notices(fits, arms, examples),
    )  # fmt: skip


def _check(examples: float, law: str) -> None:
    if not (np.isfinite(examples) and examples > 0):
        raise Refused("bad-value", f"{examples:g} is no number of examples", "--examples", "give a positive number")
    if (axes := find_law(law, metric="error").axes) != ("examples",):
        raise Refused("other-axes", f"{law} is a law over {', '.join(axes)}", "--law",
                      f"give one over examples alone, such as {LAW}")  # fmt: skip


def _groups(runs: Runs) -> dict[str, ArmRuns]:
    """The runs of every arm, random among them; `Refused` without either."""
    groups = {arm.name: arm for arm in pruning_arms(runs)}
    if RANDOM not in groups:
        raise Refused("no-random", "no row has the metric random", runs.source,
                      "add runs on random subsets: pruning is held against them")  # fmt: skip
    if len(groups) < 2:
        raise Refused("no-arms", "every row has the metric random", runs.source, "add runs on pruned subsets")
    return groups


def _arms(
    groups: Mapping[str, ArmRuns], fits: Mapping[str, Fit], examples: float, ends: tuple[float, float], seed: int
) -> tuple[Arm, tuple[Arm, ...]]:
    """Random, and all others, that of the least error first."""
    base, (apart, better) = fits[RANDOM], differences(fits, examples, seed)
    arms = [
        Arm(name, groups[name].metric, groups[name].kept, fits[name], error_at(fits[name], examples), difference,
            _ahead(difference), better[name], _crossings(fits[name], base, ends))
        for name, difference in apart.items()
    ]  # fmt: skip
    itself = Interval(None, None, None, "it is what the others are held against")
    random = Arm(RANDOM, RANDOM, None, base, error_at(base, examples), itself, "", None, None)
    return random, tuple(sorted(arms, key=lambda arm: float(arm.error.value or 0.0)))


def _crossings(own: Fit, base: Fit, ends: tuple[float, float]) -> Crossovers:
    """Where an arm crosses random, with intervals that hold their place and are of enough draws."""
    found, draws = crossover(own, base, "examples", {}, *ends), min(len(own.draws), len(base.draws))
    told = (replace(one, at=enough(holding(one.at), draws, own.settings.level)) for one in found.crossings)
    return replace(found, crossings=tuple(told))


def _ahead(difference: Interval) -> Ahead:
    if difference.low is None or difference.high is None:
        return ""
    return "metric" if difference.high < 0 else "random" if difference.low > 0 else "not told apart"


def _steps(random: Arm) -> tuple[Step, ...]:
    return (
        Step("law", f"{random.fit.law.name} over examples, one fit an arm", "fitted"),
        Step("compute", "examples trained on, each arm for as long; what scoring the pool costs is not counted", "assumed"),
    )  # fmt: skip
