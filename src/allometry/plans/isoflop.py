"""The isoFLOP method: where loss turns at each budget, and the power law through those optima.

A second opinion on a plan: it never sees the fitted law, only parabolas in log tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, rule_flops, size_axis
from allometry.forecasts import FIT_NOISE, percentiles
from allometry.notices import Interval, Notice, Refused
from allometry.plans.ends import ends_json
from allometry.plans.parabola import LEAST_POINTS, Optimum, Profile, budget_slope, optima, profiles
from allometry.runs import Rows

Array = NDArray[np.float64]

# Assumed: runs within a quarter (0.1 decades) of each other in FLOPs were meant as one budget.
BUDGET_WIDTH = 0.1
NO_RESAMPLES = "no resamples were asked for"


@dataclass(frozen=True)
class Budget:
    """One budget: mean FLOPs, number of runs, and the tokens at which loss turns.

    `convex` says that at least four token counts bracket a minimum; where it is false `tokens` is
    empty and `tokens.why` says what is missing.
    """

    flops: float
    runs: int
    tokens: Interval
    convex: bool

    def as_json(self) -> dict[str, object]:
        return {
            "flops": self.flops,
            "runs": self.runs,
            "tokens": self.tokens.value,
            "tokens_low": self.tokens.low,
            "tokens_high": self.tokens.high,
            "convex": self.convex,
            "why": self.tokens.why,
        }


@dataclass(frozen=True)
class IsoFlop:
    """What the isoFLOP method finds.

    `exponent_tokens` is that of the frontier tokens ~ flops**exponent; `plan` the size and tokens
    that it gives at `flops`, empty when no budget was asked; `decades` how far that budget is above
    the largest one used; `interval` what the intervals hold.
    """

    budgets: tuple[Budget, ...]
    exponent_tokens: Interval
    flops: float | None
    plan: dict[str, Interval]
    decades: float | None
    flops_per_param_token: float
    interval: str
    notices: tuple[Notice, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "budgets": [budget.as_json() for budget in self.budgets],
            "exponent_tokens": ends_json(self.exponent_tokens),
            "flops": self.flops,
            "plan": {name: ends_json(found) for name, found in self.plan.items()},
            "decades_beyond": self.decades,
            "flops_per_param_token": self.flops_per_param_token,
            "interval": self.interval,
            "provenance": "fitted",
            "warnings": [{"code": notice.code, "message": notice.message} for notice in self.notices],
        }


def isoflop(
    rows: Rows,
    flops: float | None = None,
    *,
    width: float = BUDGET_WIDTH,
    level: float = 0.9,
    bootstrap: int = 1000,
    seed: int = 0,
) -> IsoFlop:
    """The compute-optimal tokens of each budget of a table, and what they say about `flops`.

    Use it as a second opinion beside a fitted law, on tables swept at fixed budgets. Not on tables
    without such budgets, and not for the loss: it says nothing about it.

    Arguments: `rows` with a size (such as params) and tokens among their axes, and `flops` where the
    table counts it otherwise than 6 * params * tokens; `width` in decades within which runs are of
    one budget; `level` of the intervals, `bootstrap` resamples of the parabolas' residuals.
    Errors: `Refused` without size and tokens, or when no budget holds four runs.
    Source: Hoffmann et al. 2022, arXiv 2203.15556, approach 2.

    >>> spread, budget = np.meshgrid(np.geomspace(0.25, 4, 7), [1e19, 1e20, 1e21])
    >>> size = spread * np.sqrt(budget / 120)
    >>> axes = {"params": size.ravel(), "tokens": (budget / 6 / size).ravel()}
    >>> table = Rows(axes, 2 + np.log(spread.ravel()) ** 2, "loss")
    >>> found = isoflop(table, 1e22)
    >>> [budget.convex for budget in found.budgets], round(found.exponent_tokens.value, 3)
    ([True, True, True], 0.5)
    """
    size, log_flops, ratio = _compute(rows)
    found = profiles(log_flops, np.log(rows.axes["tokens"]), rows.target, width)
    if not found:
        raise Refused("no-budgets", f"no {LEAST_POINTS} runs lie within {width:g} decades of one FLOPs budget",
                      "the table", "the isoFLOP method needs runs of several sizes at equal FLOPs")  # fmt: skip
    turns = optima(found, budget_slope(found), bootstrap, seed)
    slope, intercept = _frontier(found, turns)
    budgets = tuple(_budget(profile, turn, level) for profile, turn in zip(found, turns, strict=True))
    used = [budget for budget in budgets if budget.convex]
    return IsoFlop(
        budgets=budgets,
        exponent_tokens=_interval(slope, level, _short(used)),
        flops=flops,
        plan={} if flops is None else _plan(size, flops, ratio, slope, intercept, level, _short(used)),
        decades=None if flops is None or not used else float(np.log10(flops / used[-1].flops)),
        flops_per_param_token=ratio,
        interval=FIT_NOISE if bootstrap else "none",
        notices=_notices(budgets, used),
    )


def _compute(rows: Rows) -> tuple[str, Array, float]:
    """The size axis, log FLOPs of the rows, and the FLOPs that the table counts for a parameter and a token."""
    size = size_axis(tuple(rows.axes))
    if size is None or "tokens" not in rows.axes:
        raise Refused("missing-axis", "the isoFLOP method needs the size of each model and its tokens",
                      "the table", "map them: params=COLUMN tokens=COLUMN")  # fmt: skip
    by_rule = rule_flops(rows.axes[size], rows.axes["tokens"])
    if "flops" not in rows.axes:
        return size, np.log(by_rule), float(FLOPS_PER_PARAMETER_AND_TOKEN)
    counted = rows.axes["flops"]
    return size, np.log(counted), FLOPS_PER_PARAMETER_AND_TOKEN * float(np.median(counted / by_rule))


def _frontier(found: list[Profile], turns: list[Optimum]) -> tuple[Array, Array]:
    """Slope and intercept (1 + B,) of log tokens on log FLOPs: the table as it is, then its resamples.

    Budgets count by their runs; a resample without two optima gives NaN.
    """
    y = np.stack([np.concatenate([[turn.log_tokens], turn.draws]) for turn in turns])
    x = np.log([profile.flops for profile in found])[:, None]
    weights = np.where(np.isfinite(y), np.array([len(profile.x) for profile in found], float)[:, None], 0.0)
    y = np.where(np.isfinite(y), y, 0.0)
    with np.errstate(all="ignore"):
        total = weights.sum(axis=0)
        mean_x, mean_y = (weights * x).sum(axis=0) / total, (weights * y).sum(axis=0) / total
        spread = (weights * (x - mean_x) ** 2).sum(axis=0)
        slope = (weights * (x - mean_x) * (y - mean_y)).sum(axis=0) / spread
    slope = np.where(np.count_nonzero(weights, axis=0) >= 2, slope, np.nan)
    return slope, mean_y - slope * mean_x


def _budget(profile: Profile, turn: Optimum, level: float) -> Budget:
    if turn.why:
        return Budget(profile.flops, len(profile.x), Interval(None, None, None, turn.why), convex=False)
    tokens = percentiles(float(np.exp(turn.log_tokens)), np.exp(turn.draws), level, NO_RESAMPLES)
    return Budget(profile.flops, len(profile.x), tokens, convex=True)


def _plan(
    size: str, flops: float, ratio: float, slope: Array, intercept: Array, level: float, short: str
) -> dict[str, Interval]:
    tokens = np.exp(slope * np.log(flops) + intercept)
    return {size: _interval(flops / (ratio * tokens), level, short), "tokens": _interval(tokens, level, short)}


def _interval(values: Array, level: float, short: str) -> Interval:
    """From a value and its resamples (1 + B,)."""
    if not np.isfinite(values[0]):
        return Interval(None, None, None, short)
    return percentiles(float(values[0]), values[1:], level, NO_RESAMPLES)


def _short(used: list[Budget]) -> str:
    return "" if len(used) > 1 else f"{len(used)} budgets with an optimum; a frontier needs two"


def _notices(budgets: tuple[Budget, ...], used: list[Budget]) -> tuple[Notice, ...]:
    unused = [f"{budget.flops:.3g} ({budget.tokens.why})" for budget in budgets if not budget.convex]
    found = (
        [Notice("budgets-unused", f"budgets without an optimum were left out: {', '.join(unused)}")] if unused else []
    )
    if len(used) == 2:
        found.append(Notice("two-budgets", "the frontier runs through two budgets: nothing says that it is straight"))
    return tuple(found)
