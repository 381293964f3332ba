"""Which pools to train on at a budget: the best union, how sure that is, and where another takes over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from allometry.data.filtering.pools import Array, PoolFit
from allometry.data.told import finite, told_json
from allometry.forecasts import FIT_NOISE, percentiles
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.ends import ends_json
from allometry.plans.questions.filtering import MOST_PASSES

PLACES = 97  # budgets between the least that was run and the largest asked or run
SURE = 0.9  # share of draws from which a choice counts as told


class Turn(NamedTuple):
    """From `at` examples seen on, `after` is better than `before`, up to the next turn."""

    before: str
    after: str
    at: Interval


@dataclass(frozen=True)
class Filtering:
    """The pools to train on for a budget of `examples` seen, repeats counted.

    `best` is the union of least error, `wins` the share of draws in which each union is best, `errors` of every union;
    `fixed` is the single pool of the best utility, which always filtering hardest would take, and `gain` how much lower
    the error of `best` is than its; `unfiltered` the same against all pools together. `turns` says where the best
    union changes; `budgets` (k,) with `curves` (k,) by union are the errors along them.
    """

    examples: float
    best: str
    wins: Mapping[str, float]
    errors: Mapping[str, Interval]
    mixture: Mapping[str, Interval]
    passes: float
    fixed: str
    gain: Interval
    unfiltered: Interval
    turns: tuple[Turn, ...]
    budgets: Array
    curves: Mapping[str, tuple[Array, Array, Array]]
    pools: Mapping[str, tuple[Interval, Interval]]
    unseen: Mapping[str, Array]
    rows: int
    kept: int
    level: float
    interval: str
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": "pools", "examples": self.examples, "best": self.best, "passes": self.passes, "wins": dict(self.wins),
            "errors": {name: ends_json(found) for name, found in self.errors.items()},
            "mixture": {name: ends_json(found) for name, found in self.mixture.items()},
            "fixed": self.fixed, "gain": ends_json(self.gain), "gain_over_all": ends_json(self.unfiltered),
            "turns": [{"before": one.before, "after": one.after, "examples": ends_json(one.at)} for one in self.turns],
            "pools": {name: {"utility": ends_json(b), "half_life": ends_json(tau)} for name, (b, tau) in self.pools.items()},
            "unseen": {name: errors.tolist() for name, errors in self.unseen.items()},
            "curve": [
                {"pools": name, "examples": float(x), "error": float(value), "low": finite(low), "high": finite(high)}
                for name, (values, lows, highs) in self.curves.items()
                for x, value, low, high in zip(self.budgets, values, lows, highs, strict=True)
            ],
            **told_json(self),
        }  # fmt: skip


def best_pools(found: PoolFit, examples: float, *, level: float | None = None) -> Filtering:
    """The union of pools with the least error for a budget of examples seen, and where the best union changes.

    Use it to set how hard to filter: little compute wants the best pool alone, much compute wears it out. Not for
    budgets of many passes: the law counts ten, and further ones as nothing.
    Arguments: `examples` seen in all, repeats counted; `level` of intervals, by default that of the fit.
    Errors: `Refused` for a budget that is none.
    Source: Goyal et al. 2024, arXiv 2404.07177: mixtures from pools alone; unions in proportion to the pools' sizes.

    >>> from allometry.data.filtering import fit_pools, read_pools
    >>> from allometry.fits import Settings
    >>> from allometry.laws import find_law
    >>> seen = np.tile(np.geomspace(1e6, 1e8, 9), 2)
    >>> best = np.repeat([1.0, 0.0], 9)
    >>> truth = {"a": 0.3, "b_1": -0.3, "b_2": -0.25, "kept_1": 0.7, "kept_2": 0.9, "d": 0.1}
    >>> at = {"examples": seen, "pool_samples": np.full(18, 1e7), "share_1": best, "share_2": 1 - best}
    >>> error = find_law("quality_mixture:2").evaluate(truth, at)
    >>> pools = read_pools({"pool": ["best"] * 9 + ["rest"] * 9, "examples": seen, "pool_samples": [1e7] * 18, "error": error})
    >>> fitted = fit_pools(pools, Settings(bootstrap=0))
    >>> best_pools(fitted, 8e6).best, best_pools(fitted, 8e7).best
    ('best', 'best+rest')
    """
    if not (np.isfinite(examples) and examples > 0):
        raise Refused("bad-value", f"{examples:g} is no number of examples", "--examples", "give a positive number")
    level = found.fit.settings.level if level is None else level
    why, names = found.fit.interval_kind, found.pools.names
    unions = {"+".join(each): each for count in range(1, len(names) + 1) for each in combinations(names, count)}
    at = {name: found.error(each, np.array([examples]))[:, 0] for name, each in unions.items()}
    table = np.stack(list(at.values()))
    best = list(unions)[int(np.argmin(table[:, 0]))]
    winners = np.argmin(table[:, 1:], axis=0)
    utilities = [found.fit.values[f"b_{i + 1}"] for i in range(len(names))]
    fixed, every = names[int(np.argmin(utilities))], "+".join(names)
    budgets = _budgets(found, examples)
    along = {name: found.error(each, budgets) for name, each in unions.items()}
    return Filtering(
        examples=examples, best=best, wins={name: float(np.mean(winners == i)) for i, name in enumerate(unions)} if len(winners) else {},
        errors={name: percentiles(float(each[0]), each[1:], level, why) for name, each in at.items()},
        mixture=_mixture(found, unions, best, winners, level), passes=examples / sum(found.pools.sizes[name] for name in unions[best]),
        fixed=fixed, gain=_gain(at[fixed], at[best], level, why), unfiltered=_gain(at[every], at[best], level, why),
        turns=_turns(along, budgets, level, why), budgets=budgets, curves={name: _band(each, level) for name, each in along.items()},
        pools={name: (found.utilities[name], found.half_lives[name]) for name in names},
        unseen={"+".join(name): errors for name, errors in found.unseen().items()},
        rows=found.pools.given, kept=len(found.pools.rows), level=level, interval=FIT_NOISE if len(winners) else "none",
        steps=_steps(found), notices=_notices(found, examples, best, winners, list(unions)),
    )  # fmt: skip


def _budgets(found: PoolFit, examples: float) -> Array:
    seen = found.pools.rows.axes["examples"]
    return np.geomspace(min(seen.min(), examples), max(seen.max(), examples), PLACES)


def _gain(other: Array, best: Array, level: float, why: str) -> Interval:
    return percentiles(float(other[0] - best[0]), other[1:] - best[1:], level, why)


def _band(values: Array, level: float) -> tuple[Array, Array, Array]:
    if len(values) < 3:
        return values[0], np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return values[0], low, high


def _mixture(
    found: PoolFit, unions: Mapping[str, tuple[str, ...]], best: str, winners: Array, level: float
) -> dict[str, Interval]:
    """Shares of the pools in the best union, with the percentiles over the unions that win in the draws."""
    shares = {name: found.shares(each) for name, each in unions.items()}
    listed = list(unions)
    drawn = {pool: np.array([shares[listed[int(w)]][pool] for w in winners]) for pool in found.pools.names}
    why = found.fit.interval_kind
    return {
        pool: percentiles(shares[best][pool], drawn[pool], level, why, "inverted_cdf") for pool in found.pools.names
    }


def _turns(along: Mapping[str, Array], budgets: Array, level: float, why: str) -> tuple[Turn, ...]:
    """Where the union of least error changes; the interval is of the same change in each draw, open where it lies outside."""
    names, values = list(along), np.stack(list(along.values()))
    winner = np.argmin(values[:, 0], axis=0)
    found = []
    for k in np.flatnonzero(winner[1:] != winner[:-1]):
        before, after = values[winner[k]], values[winner[k + 1]]
        found.append(
            Turn(names[winner[k]], names[winner[k + 1]], _crossing(before - after, np.log(budgets), int(k), level, why))
        )
    return tuple(found)


def _crossing(gap: Array, places: Array, k: int, level: float, why: str) -> Interval:
    """Where a gap (1 + B, n) rises through zero: the estimate's between places k and k + 1, of each draw the nearest."""
    part = gap[0, k] / (gap[0, k] - gap[0, k + 1])
    value = places[k] + part * (places[k + 1] - places[k])
    draw, cell = np.nonzero((gap[1:, :-1] <= 0) & (gap[1:, 1:] > 0))
    one, other = gap[1:][draw, cell], gap[1:][draw, cell + 1]
    crossed = places[cell] - one / (other - one) * (places[cell + 1] - places[cell])
    # a draw that never crosses has the later union better all along, or never: beyond one end of the range
    near = np.where(gap[1:].mean(axis=1) > 0, -np.inf, np.inf)
    for b in np.unique(draw):
        own = crossed[draw == b]
        near[b] = own[np.argmin(np.abs(own - value))]
    if not len(near):
        return Interval(float(np.exp(value)), None, None, why)
    low, high = np.quantile(near, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    open_end = "" if np.isfinite([low, high]).all() else "in some draws the two do not cross in this range"
    return Interval(float(np.exp(value)), _end(low), _end(high), open_end)


def _end(place: float) -> float | None:
    return float(np.exp(place)) if np.isfinite(place) else None


def _steps(found: PoolFit) -> tuple[Step, ...]:
    sizes = ", ".join(f"{size:.4g} of {name}" for name, size in found.pools.sizes.items())
    errors = {"+".join(name): each for name, each in found.unseen().items()}
    steps = [
        Step(
            "law",
            f"{found.fit.law.name}, scale and floor shared, fitted to {len(found.pools.rows)} runs on single pools",
            "fitted",
        ),
        Step("pools", f"different examples: {sizes}; a union holds its pools whole", "measured"),
    ]
    if errors:
        size = np.abs(np.concatenate(list(errors.values())))
        says = f"mean error {size.mean():.2%}, largest {size.max():.2%}, of {len(size)} runs on unions that no fit saw"
        steps.append(Step("unseen mixtures", says, "measured"))
    else:
        steps.append(
            Step(
                "unseen mixtures",
                "mixtures follow from single pools by the law; no run on a union is there to check it",
                "assumed",
            )
        )
    return tuple(steps)


def _notices(found: PoolFit, examples: float, best: str, winners: Array, unions: list[str]) -> tuple[Notice, ...]:
    # pools of one size are the rule: that this axis never varied takes nothing from the answer
    notices = [one for one in found.fit.notices if not (one.code == "axis-constant" and "pool_samples" in one.message)]
    sizes = np.array(list(found.pools.sizes.values()))
    agree = float(np.mean(winners == unions.index(best))) if len(winners) else 1.0
    if agree < SURE:
        notices.append(Notice("choice-uncertain", f"{best} is best in {agree:.0%} of the draws"))
    if np.ptp(sizes) > 0.01 * sizes.max():
        notices.append(
            Notice(
                "unequal-pools",
                "the source knows unions of equal pools only; how unequal ones mix is a proposal of ours",
            )
        )
    if examples / sizes.min() > MOST_PASSES:
        notices.append(Notice("passes-beyond-law", f"{examples:g} examples are {examples / sizes.min():.3g} passes of the smallest pool: "
                              f"the law counts {MOST_PASSES}, and further ones as nothing"))  # fmt: skip
    if examples > (most := float(found.pools.rows.axes["examples"].max())):
        notices.append(
            Notice(
                "beyond-runs",
                f"the budget is {examples / most:.3g} times the largest run: intervals hold fit noise only",
            )
        )
    return tuple(notices)
