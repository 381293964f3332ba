"""What each limit of the user's costs: in loss, in FLOPs, and as a share of the compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import MOST_LOST, interval_of
from allometry.notices import Interval
from allometry.plans.allocation import within
from allometry.plans.decision import Decision, no_optimum, settle
from allometry.plans.ends import ends_json, open_percentiles
from allometry.plans.frontier import equivalent_share
from allometry.plans.reach import flops_for
from allometry.plans.terms import TOKENS, Space, Terms, space_of

Array = NDArray[np.float64]
_OPTIONS = {"fixed": "--fix", "at_most": "--at-most", "at_least": "--at-least", "among": "--among"}
_WORDS = {"fixed": "fixed at", "at_most": "at most", "at_least": "at least", "among": "among"}


@dataclass(frozen=True)
class Limit:
    """One limit of the user's, or all of them: which `option` set it, on which `axis`, in words, and the terms without it."""

    option: str
    axis: str
    text: str
    without: Terms


@dataclass(frozen=True)
class LimitCost:
    """What a limit costs beside the best plan without it, the other limits kept; draw by draw for the intervals.

    `loss` is what the loss is higher, empty for a plan of a loss; `flops` the FLOPs that the limit
    wastes: those of the plan less those with which the plan without it reaches the same loss;
    `compute` the same as a share of the plan's FLOPs. All are 0 where the limit does not bind.
    """

    limit: Limit
    loss: Interval
    flops: Interval
    compute: Interval

    @property
    def binds(self) -> bool | None:
        """Whether the plan would be another without the limit; None where there is no plan without it."""
        return None if self.compute.value is None else self.compute.value > 0

    @property
    def says(self) -> str:
        """The cost in words: that there is none, what would do without the limit, or why that is not known."""
        share, flops = self.compute.value, self.flops.value
        if share is None or flops is None:
            return self.compute.why
        if share > 0:
            return f"without it {flops / share - flops:.4g} FLOPs would do"
        some = self.compute.high is not None and self.compute.high > 0
        return "it does not bind at the plan, but does for some draws" if some else "it does not bind"

    def as_json(self) -> dict[str, object]:
        return {
            "limit": self.limit.text,
            "option": self.limit.option,
            "axis": self.limit.axis,
            "binds": self.binds,
            "says": self.says,
            "loss": ends_json(self.loss),
            "flops": ends_json(self.flops),
            "compute": {**ends_json(self.compute), "unit": "share of the plan's FLOPs"},
        }


def limit_costs(fit: Fit, terms: Terms, decision: Decision, level: float) -> tuple[LimitCost, ...]:
    """The cost of every limit on size or tokens, and of all together where there are several.

    A value given to a further axis of the law is no limit: no plan can be made without it.
    """
    found = [*_limits(terms, decision.space.size)]
    if len(found) > 1:
        found.append(Limit("all", "", "all limits together", _less(terms, _OPTIONS, (decision.space.size, TOKENS))))
    return tuple(_cost(fit, terms, decision, limit, level) for limit in found)


def _limits(terms: Terms, size: str) -> Iterable[Limit]:
    for kind in _OPTIONS:
        given: Mapping[str, float] = getattr(terms, kind)
        for name in given:
            if name in (size, TOKENS):
                yield Limit(_OPTIONS[kind], name, _said(kind, name, given), _less(terms, (kind,), (name,)))


def _said(kind: str, name: str, given: Mapping[str, object]) -> str:
    values = np.atleast_1d(np.asarray(given[name], float))
    return f"{name} {_WORDS[kind]} {', '.join(f'{value:.4g}' for value in values)}"


def _less(terms: Terms, kinds: Iterable[str], names: tuple[str, ...]) -> Terms:
    """The terms without limits of these kinds on these axes."""
    kept: dict[str, Any] = {
        kind: {name: value for name, value in getattr(terms, kind).items() if name not in names} for kind in kinds
    }
    return replace(terms, **kept)


def _cost(fit: Fit, terms: Terms, decision: Decision, limit: Limit, level: float) -> LimitCost:
    theta = np.concatenate([fit.estimate[None], fit.draws])
    free = settle(fit.law, theta, decision.flops, space_of(fit.law, limit.without))
    why = no_optimum(decision) or no_optimum(free)
    if why:
        none = Interval(None, None, None, why if not decision.interior else f"without the limit {why}")
        return LimitCost(limit, none, none, none)
    asked = decision.chosen.loss if terms.loss is None else np.full(len(theta), terms.loss)
    kept = _keeps(decision.space, free)
    lost = np.where(kept, 0.0, np.maximum(asked - free.chosen.loss, 0.0))
    share = _wasted(fit, theta, decision, free, np.where(kept, free.chosen.loss, asked))
    with np.errstate(invalid="ignore"):
        flops = np.where(share == 0, 0.0, share * decision.flops)
    beyond = _beyond(free)
    loss = (
        _interval(fit, lost, level, beyond)
        if terms.loss is None
        else Interval(None, None, None, "the loss is as asked")
    )
    return LimitCost(limit, loss, _interval(fit, flops, level, beyond), _interval(fit, share, level, beyond))


def _keeps(space: Space, free: Decision) -> NDArray[np.bool_]:
    """Which choices made without a limit keep it all the same: to them it costs nothing."""
    chosen = {space.size: free.chosen.size, TOKENS: free.chosen.tokens}
    kept = within(chosen[space.size], space.limits[space.size]) & within(chosen[TOKENS], space.limits[TOKENS])
    if space.options is not None:
        name, values = space.options
        kept &= np.isclose(chosen[name][:, None], values, rtol=1e-12, atol=0.0).any(axis=1)
    return np.asarray(kept)


def _wasted(fit: Fit, theta: Array, decision: Decision, free: Decision, loss: Array) -> Array:
    """Share (1 + B,) of the FLOPs that the plan without the limit does not need for the same loss.

    All of them where only that plan reaches the loss asked for; NaN where neither does.
    """
    reached = np.isfinite(decision.flops) & np.isfinite(loss) & np.isfinite(free.chosen.loss)
    wasted = np.full(len(theta), np.nan)
    wasted[reached] = 1 - equivalent_share(
        fit.law, theta[reached], decision.flops[reached], free.chosen.loss[reached], free.space, loss[reached]
    )
    never = np.flatnonzero(np.isposinf(decision.flops))
    if len(never):
        alone = flops_for(fit.law, theta[never], float(loss[0]), free.space)
        wasted[never] = np.where(np.isfinite(alone), 1.0, np.nan)
    return wasted


def _beyond(free: Decision) -> float:
    """Share of the draws that, without the limit, go to an end of the search: theirs is a lower bound of the cost."""
    if free.bounds is None:
        return 0.0
    ends = ((False, free.bounds.low_asked), (True, free.bounds.high_asked))
    return sum(free.share_at(high) for high, asked in ends if not asked)


def _interval(fit: Fit, values: Array, level: float, beyond: float) -> Interval:
    value = float(values[0])
    if len(values) == 1:
        return interval_of(fit, value, values[1:], level)
    found = open_percentiles(values[1:], level)
    if beyond > MOST_LOST:
        return Interval(
            value, found.low, None, f"without the limit {beyond:.0%} of the draws go to an end of the search"
        )
    return Interval(value, found.low, found.high, found.why)
