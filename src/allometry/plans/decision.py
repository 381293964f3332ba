"""A plan as numbers: the choice of the point estimate, and what every draw would have chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.fits import Fit, Quantity
from allometry.forecasts import MOST_LOST
from allometry.laws import Law
from allometry.notices import Interval, Refused
from allometry.plans.allocation import Allocation, best_split
from allometry.plans.bounds import Bounds, bounds_of
from allometry.plans.ends import open_percentiles
from allometry.plans.reach import MOST_FLOPS, flops_for
from allometry.plans.terms import TOKENS, Space, Terms, space_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """The choices of the estimate and then of the draws (1 + B,), in one allocation.

    `flops` is infinite and the allocation NaN for draws that never reach the loss asked for.
    """

    space: Space
    flops: Array
    chosen: Allocation
    bounds: Bounds | None

    @property
    def setting(self) -> Mapping[str, float]:
        """The further axes, as the estimate chooses them."""
        return self.space.settings[int(self.chosen.setting[0])]

    @property
    def point(self) -> dict[str, float]:
        """Every axis of the law at the estimate's choice."""
        return {self.space.size: float(self.chosen.size[0]), TOKENS: float(self.chosen.tokens[0]), **self.setting}

    @property
    def interior(self) -> bool:
        """Whether the estimate's choice is its own, not the end of the search."""
        if self.bounds is None:
            return True
        low, high = bool(self.chosen.at_low[0]), bool(self.chosen.at_high[0])
        return not (low and not self.bounds.low_asked) and not (high and not self.bounds.high_asked)

    @property
    def limited(self) -> str:
        """The end of the search that the estimate's choice lies at, in words; empty for none."""
        if self.bounds is None or not (self.chosen.at_low[0] or self.chosen.at_high[0]):
            return ""
        return self.bounds.low_name if self.chosen.at_low[0] else self.bounds.high_name

    def share_at(self, high: bool) -> float:
        """Share of draws whose choice lies at the low or the high end of size."""
        ends = self.chosen.at_high if high else self.chosen.at_low
        return float(np.mean(ends[1:])) if len(ends) > 1 else 0.0


def decide(fit: Fit, terms: Terms) -> Decision:
    """The best split for the estimate and each draw.

    Errors: those of the terms, and `Refused` when the estimate never reaches the loss asked for.
    """
    space = space_of(fit.law, terms)
    _check_determined(fit)
    theta = np.concatenate([fit.estimate[None], fit.draws])
    if terms.loss is None:
        flops = np.full(len(theta), float(terms.flops or 0.0))
    else:
        flops = flops_for(fit.law, theta, terms.loss, space)
        _check_reached(fit, flops, terms.loss, space)
    return settle(fit.law, theta, flops, space)


def settle(law: Law, theta: Array, flops: Array, space: Space) -> Decision:
    """The best split of `flops` (1 + B,) for the estimate and the draws `theta` (1 + B, P).

    Errors: `Refused` when the estimate has no allocation of finite loss.
    """
    chosen = _split(law, theta, flops, space)
    if not np.isfinite(chosen.loss[0]):
        raise Refused("no-allocation", "none of the values given can be had within the limits and the budget",
                      "--fix, --among, --at-most, --at-least", "widen them")  # fmt: skip
    bounds = None if space.options is not None else bounds_of(space, np.log(flops[:1] / FLOPS_PER_PARAMETER_AND_TOKEN))
    return Decision(space, flops, chosen, bounds)


def _check_determined(fit: Fit) -> None:
    """Refuse a plan from parameters that the runs do not tell: its numbers would come from nowhere."""
    if fit.confounded:
        reasons = "; ".join(dict.fromkeys(fit.confounded.values()))
        raise Refused("not-determined", f"{', '.join(fit.confounded)} not determined by these runs ({reasons})", "the fit",
                      "add runs that tell them, or fix them or give them priors")  # fmt: skip


def _split(law: Law, theta: Array, flops: Array, space: Space) -> Allocation:
    """The best split of each, NaN where there are no FLOPs that would do or no finite loss."""
    reached = np.isfinite(flops)
    found = best_split(law, theta, np.where(reached, flops, flops[0]), space)
    usable = reached & np.isfinite(found.loss)
    size, tokens, least = (np.where(usable, values, np.nan) for values in (found.size, found.tokens, found.loss))
    return Allocation(size, tokens, least, found.at_low & usable, found.at_high & usable, found.setting)


def _check_reached(fit: Fit, flops: Array, loss: float, space: Space) -> None:
    if np.isfinite(flops[0]):
        return
    limit = MOST_FLOPS
    size, tokens = space.limits[space.size], space.limits[TOKENS]
    limit = min(limit, FLOPS_PER_PARAMETER_AND_TOKEN * size[1] * tokens[1])
    least = float(best_split(fit.law, fit.estimate[None], limit, space).loss[0])
    text = f"it ends at {least:.4g}" if np.isfinite(least) else "the limits leave nothing at the largest budgets"
    limited = space.options is not None or any(ends != (0.0, np.inf) for ends in space.limits.values())
    within, widen = (" within the limits", ", or widen the limits") if limited else ("", "")
    raise Refused("loss-out-of-reach", f"{fit.law.name} never reaches a {fit.law.metric} of {loss:g}{within}: {text}",
                  "--loss", f"ask for a higher one{widen}")  # fmt: skip


def axis_interval(
    fit: Fit, decision: Decision, pick: Callable[[Allocation], Array], rising: bool, level: float
) -> Interval:
    """An axis of the plan with its interval, empty at an end where over 5% of the draws lie at a bound.

    `pick` takes the axis (1 + B,) from the allocation; `rising` says whether it grows with size.
    """
    values = pick(decision.chosen)
    value = float(values[0]) if decision.interior else None
    if len(values) == 1:
        return Interval(value, None, None, no_optimum(decision) or fit.interval_kind)
    method = "linear" if decision.space.options is None else "inverted_cdf"
    lost = ~np.isfinite(decision.flops[1:])
    draws = np.where(lost, np.inf, values[1:])
    found = open_percentiles(draws, level, method)
    low_share, high_share = (decision.share_at(not rising), decision.share_at(rising))
    why = [no_optimum(decision)]
    why.append(_emptied(decision, low_share, high=not rising))
    why.append(_emptied(decision, high_share, high=rising))
    why.append(_unreached(float(np.mean(lost))))
    why.append(found.why)
    return Interval(
        value,
        None if low_share > MOST_LOST else found.low,
        None if high_share > MOST_LOST else found.high,
        "; ".join(text for text in why if text),
    )


def flops_interval(fit: Fit, decision: Decision, level: float) -> Interval:
    """FLOPs of a plan for a loss: least FLOPs of the estimate and of the draws."""
    values = decision.flops
    if len(values) == 1:
        return Interval(float(values[0]), None, None, fit.interval_kind)
    found = open_percentiles(values[1:], level)
    why = [_unreached(float(np.mean(~np.isfinite(values[1:])))), found.why]
    return Interval(float(values[0]), found.low, found.high, "; ".join(text for text in why if text))


def no_optimum(decision: Decision) -> str:
    """Why the estimate's choice is none; empty where it is one."""
    return "" if decision.interior else f"no interior optimum: loss still falls at {decision.limited}"


def _emptied(decision: Decision, share: float, high: bool) -> str:
    if share <= MOST_LOST or decision.bounds is None:
        return ""
    return f"{share:.0%} of the draws end at {decision.bounds.high_name if high else decision.bounds.low_name}"


def _unreached(share: float) -> str:
    return f"{share:.0%} of the draws never reach this loss" if share > MOST_LOST else ""


def optimal_params(flops: float, fixed: Mapping[str, float] | None = None) -> Quantity:
    """The quantity "size of least loss at these FLOPs", for diagnosis and next-run design.

    `fixed` gives the law's further axes a value.

    >>> from allometry.laws import find_law
    >>> law = find_law("chinchilla")
    >>> constants = np.array([[1.81722, 477.83, 0.34731, 2143.4, 0.36717]])
    >>> round(float(optimal_params(5.76e23)(law, constants)[0]) / 1e9, 2)
    73.19
    """
    terms = Terms(flops=flops, fixed=fixed or {})

    def quantity(law: Law, draws: Array) -> Array:
        return best_split(law, draws, flops, space_of(law, terms)).size

    return quantity
