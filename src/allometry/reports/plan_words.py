"""The plan in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.notices import Interval
from allometry.plans import SETTLED, LimitCost, Plan, Step, percent
from allometry.reports.numbers import between, shown


@dataclass(frozen=True)
class PlanWords:
    """What the page's plan section holds."""

    asked: str
    axes: list[tuple[str, ...]]
    interval_head: str
    calibrated_head: str
    within: str
    sentences: list[str]
    price_heads: tuple[str, ...]
    prices: list[tuple[str, ...]]
    limit_heads: tuple[str, ...]
    limits: list[tuple[str, ...]]
    steps: tuple[Step, ...]


def plan_words(plan: Plan) -> PlanWords:
    """The table of axes with their near-optimal region, and what it costs to be wrong."""
    asked = f"Least {plan.metric} for {shown(plan.terms.flops, 3)} FLOPs"
    if plan.terms.flops is None:
        asked = f"Least FLOPs that reach {plan.metric} {shown(plan.terms.loss)}"
    within = f"{plan.near_optimal[0].within:.1%}" if plan.near_optimal else "nothing"
    rows = [_row(plan, name, found) for name, found in (*plan.at.items(), (plan.metric, plan.loss))]
    head = f"{plan.level:.0%} interval ({plan.interval})" if plan.interval != "none" else "interval"
    calibrated = "calibrated" if plan.calibration is None else "calibrated: decide by this"
    prices, limits = price_table(plan), limit_table(plan)
    return PlanWords(asked, rows, head, calibrated, within, _costs(plan), *prices, *limits, plan.steps)


def _row(plan: Plan, name: str, found: Interval) -> tuple[str, ...]:
    region = plan.near_optimal[0].axes.get(name) if plan.near_optimal else None
    near = between(region.low, region.high, 3) if region else ""
    why = "; ".join(dict.fromkeys(text for text in (found.why, region.why if region else "") if text))
    return name, shown(found.value), between(found.low, found.high), _calibrated(plan, name), near, why


def _calibrated(plan: Plan, name: str) -> str:
    """The interval that also holds how earlier plans, or laws beyond their runs, missed; "no plan" where it says nothing."""
    if name == plan.metric:
        return between(plan.loss_calibrated.low, plan.loss_calibrated.high)
    found = None if plan.calibration is None else plan.calibration.at.get(name)
    if found is None:
        return ""
    return "no plan" if found.value is None else between(found.low, found.high)


def _costs(plan: Plan) -> list[str]:
    """What it costs to be wrong; everything else that bears on the plan is one of its steps."""
    if plan.wrong is None:
        return []
    if plan.wrong.settled:
        return [f"Cost of being wrong: {SETTLED}."]
    loss, compute = plan.wrong.plain.loss, plan.wrong.plain.compute
    found = [
        f"Cost of being wrong: building this where a draw of the fit is the truth loses {percent(loss.expected)} of its best {plan.metric} "
        f"on average, {percent(loss.p95)} at the 95th percentile. That wastes {percent(compute.expected)} of the compute on average, "
        f"{percent(compute.p95)} at the 95th percentile: the draw's own optimum has the same {plan.metric} with so much less."
    ]
    best = plan.recommended
    if best is None or not best.differs:
        return found
    at = ", ".join(f"{name} {shown(value, 3)}" for name, value in best.priced.at.items())
    return [
        *found,
        f"Recommended: {at}. Over the draws it has the least expected excess, {percent(best.priced.loss.expected)}.",
    ]


def price_table(plan: Plan) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads, and a line for each allocation of the plan's FLOPs, by size, with its price over the draws."""
    if plan.wrong is not None and plan.wrong.settled:
        return (), []
    axes = [name for name in plan.at if name != "flops"]
    heads = ("", *axes, f"excess {plan.metric}, mean", "95th percentile", "compute wasted, mean", "95th percentile")
    rows = [
        (what, *(shown(priced.at[name], 3) for name in axes),
         *(percent(value) for price in (priced.loss, priced.compute) for value in (price.expected, price.p95)))
        for what, priced in plan.prices
    ]  # fmt: skip
    return heads, rows


def limit_table(plan: Plan) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads, and a line for each limit with its cost; in FLOPs for a plan of a loss."""
    paid = f"higher {plan.metric}" if plan.terms.loss is None else "more FLOPs"
    heads = ("limit", paid, f"{plan.level:.0%} interval", "compute wasted", f"{plan.level:.0%} interval", "")
    return heads, [_limit(cost, cost.loss if plan.terms.loss is None else cost.flops) for cost in plan.limits]


def _limit(cost: LimitCost, paid: Interval) -> tuple[str, ...]:
    share = cost.compute
    ends = "" if share.low is None and share.high is None else f"{percent(share.low)} to {percent(share.high)}"
    return cost.limit.text, shown(paid.value), between(paid.low, paid.high), percent(share.value), ends, cost.says
