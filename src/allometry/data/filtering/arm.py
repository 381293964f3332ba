"""One way of pruning beside random selection, and what is said of the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from allometry.data.filtering.against import SIZES, beyond, resampled_sizes
from allometry.fits import Fit
from allometry.notices import Interval, Notice
from allometry.plans.crossover import Crossovers

Ahead: TypeAlias = Literal["metric", "random", "not told apart", ""]
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
    ahead: Ahead
    better: float | None
    crossings: Crossovers | None


def sentence(best: Arm, arms: Sequence[Arm], examples: float, level: float) -> str:
    """What to do at the budget, and how sure that is; `best` has no crossings where it is random."""
    if best.crossings is None:
        said = f"random selection is best at {examples:.4g} examples: {arms[0].name} is worse by"
        return _told(f"{said} {arms[0].difference.value:.3g}", arms[0], 1, arms, level)
    said = f"{best.name} beats random selection at {examples:.4g} examples by {-(best.difference.value or 0):.3g}"
    return _told(said, best, -1, arms, level)


def _told(said: str, arm: Arm, sign: int, arms: Sequence[Arm], level: float) -> str:
    """The sentence with the interval of the difference, which a gain has the other way round, and what that tells."""
    if arm.difference.low is None or arm.difference.high is None:
        return f"{said}; how sure that is no interval says ({arm.difference.why})"
    low, high = sorted((sign * arm.difference.low, sign * arm.difference.high))
    told = "beyond the" if low > 0 else "which is not told from nothing by the"
    return f"{said} [{low:.3g}, {high:.3g}], {told} {level:.0%} interval{at_once(arms)}"


def at_once(arms: Sequence[Arm]) -> str:
    """For how many arms the intervals of the differences hold: all that have one."""
    count = sum(arm.difference.low is not None for arm in arms)
    if count < 2:
        return ""
    every = f"all {count} arms" if count == len(arms) else f"the {count} arms that have one"
    return f" that holds for {every} at once"


def notices(fits: Mapping[str, Fit], arms: Sequence[Arm], examples: float) -> tuple[Notice, ...]:
    """What the fits tell, budgets beyond the runs, curves through few sizes, and ends that hang on few draws."""
    said = [Notice(notice.code, f"{name}: {notice.message}") for name, one in fits.items() for notice in one.notices]
    for name, one in fits.items():
        if examples > (most := float(one.rows.axes["examples"].max())):
            said.append(Notice("beyond-runs", f"{name}: the budget is {examples / most:.3g} times its largest run: intervals hold fit noise only"))  # fmt: skip
    few = [name for name, one in fits.items() if len(one.draws) and resampled_sizes(one) < SIZES]
    if few:
        said.append(Notice("few-sizes", f"{', '.join(few)}: fewer than {SIZES} sizes: intervals are "
                           "widened for so few, and little is told apart; add sizes"))  # fmt: skip
    return (*said, *_of_draws(fits, len(arms)))


def _of_draws(fits: Mapping[str, Fit], arms: int) -> tuple[Notice, ...]:
    draws, level = min(len(one.draws) for one in fits.values()), next(iter(fits.values())).settings.level
    outside = beyond(draws, level, arms)
    if not 0 < outside < FEW_DRAWS:
        return ()
    of = f" for {arms} arms at once" if arms > 1 else ""
    more = int(np.ceil(draws * FEW_DRAWS / outside / 1000)) * 1000
    said = (
        f"intervals{of} end at the outermost {outside:.2g} of {draws} draws"
        if outside >= 1
        else f"{draws} draws are too few for intervals{of}"
    )
    return (Notice("few-draws", f"{said}: give --bootstrap {more}"),)
