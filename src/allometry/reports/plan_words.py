"""The plan in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allometry.notices import Interval
from allometry.plans import Cut, Plan, Step
from allometry.reports.numbers import between, counted, shown


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
    return PlanWords(asked, rows, head, within, list(_sentences(plan)), plan.steps)


def _row(plan: Plan, name: str, found: Interval) -> tuple[str, ...]:
    region = plan.near_optimal[0].axes.get(name) if plan.near_optimal else None
    near = between(region.low, region.high, 3) if region else ""
    why = "; ".join(dict.fromkeys(text for text in (found.why, region.why if region else "") if text))
    return name, shown(found.value), between(found.low, found.high), near, why


def _sentences(plan: Plan) -> Iterator[str]:
    if plan.wrong is not None:
        yield (
            f"Cost of being wrong: building this where a draw of the fit is the truth loses {plan.wrong.expected:.2%} of its best "
            f"{plan.metric} on average, {plan.wrong.p95:.2%} at the 95th percentile."
        )
    if plan.extrapolation is not None:
        yield f"Distance from the runs: {plan.extrapolation.sentence}."
    yield from map(_cut, plan.cuts)
    if plan.second_opinion is not None and plan.second_opinion.plan:
        second = ", ".join(f"{name} {_interval(found)}" for name, found in plan.second_opinion.plan.items())
        yield f"Second opinion, the isoFLOP method on the same rows: {second}."
    if plan.shape is not None:
        shape = ", ".join(
            f"{name} {value}" for name, value in plan.shape.as_json().items() if isinstance(value, int | str)
        )
        yield f"Nearest decoder that can be built: {shape}."


def _cut(cut: Cut) -> str:
    head = f"Runs up to {shown(cut.flops, 3)} FLOPs only ({cut.decades:.2g} decades fewer, {counted(cut.runs, 'run')})"
    if cut.why:
        return f"{head}: {cut.why}."
    return f"{head} give " + ", ".join(f"{name} {_interval(found)}" for name, found in cut.plan.items()) + "."


def _interval(found: Interval) -> str:
    ends = between(found.low, found.high, 3)
    return f"{shown(found.value, 3)}" + (f" ({ends})" if ends else "")
