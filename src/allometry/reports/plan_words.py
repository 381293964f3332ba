"""The plan in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.notices import Interval
from allometry.plans import Plan, Step
from allometry.reports.numbers import between, shown


@dataclass(frozen=True)
class PlanWords:
    """What the page's plan section holds."""

    asked: str
    axes: list[tuple[str, ...]]
    interval_head: str
    within: str
    sentences: list[str]
    steps: tuple[Step, ...]


def plan_words(plan: Plan) -> PlanWords:
    """The table of axes with their near-optimal region, and what it costs to be wrong."""
    asked = f"Least {plan.metric} for {shown(plan.terms.flops, 3)} FLOPs"
    if plan.terms.flops is None:
        asked = f"Least FLOPs that reach {plan.metric} {shown(plan.terms.loss)}"
    within = f"{plan.near_optimal[0].within:.1%}" if plan.near_optimal else "nothing"
    rows = [_row(plan, name, found) for name, found in (*plan.at.items(), (plan.metric, plan.loss))]
    head = f"{plan.level:.0%} interval ({plan.interval})" if plan.interval != "none" else "interval"
    return PlanWords(asked, rows, head, within, _costs(plan), plan.steps)


def _row(plan: Plan, name: str, found: Interval) -> tuple[str, ...]:
    region = plan.near_optimal[0].axes.get(name) if plan.near_optimal else None
    near = between(region.low, region.high, 3) if region else ""
    why = "; ".join(dict.fromkeys(text for text in (found.why, region.why if region else "") if text))
    return name, shown(found.value), between(found.low, found.high), near, why


def _costs(plan: Plan) -> list[str]:
    """What it costs to be wrong; everything else that bears on the plan is one of its steps."""
    if plan.wrong is None:
        return []
    return [
        f"Cost of being wrong: building this where a draw of the fit is the truth loses {plan.wrong.expected:.2%} of its best "
        f"{plan.metric} on average, {plan.wrong.p95:.2%} at the 95th percentile."
    ]
