"""What a plan costs where it is wrong, and what each limit of the user's costs, as tables."""

from __future__ import annotations

from allometry.cli.output import number, print_lines, print_table
from allometry.notices import Interval
from allometry.plans import SETTLED, Plan, percent, shown


def show_prices(result: Plan) -> None:
    """What it costs to be wrong: a line for the plan, and its neighbours of the same FLOPs by size."""
    if result.wrong is None:
        return
    if result.wrong.settled:
        print_lines(f"cost of being wrong: {SETTLED}")
        return
    loss, compute = result.wrong.plain.loss, result.wrong.plain.compute
    print_lines(
        f"cost of being wrong: {result.metric} higher by {percent(loss.expected)} on average, {percent(loss.p95)} at the 95th "
        f"percentile; that wastes {percent(compute.expected)} and {percent(compute.p95)} of the compute"
    )
    axes = [name for name in result.at if name != "flops"]
    rows = [
        (what, *(number(priced.at[name]) for name in axes),
         *(percent(value) for price in (priced.loss, priced.compute) for value in (price.expected, price.p95)))
        for what, priced in result.prices
    ]  # fmt: skip
    print_table(
        f"price of being wrong: {result.metric} above the best where a draw of the fit is the truth, and compute wasted",
        ("", *axes, f"{result.metric}, mean", "95th", "compute, mean", "95th"),
        rows,
    )


def show_limits(result: Plan) -> None:
    """A line for each limit: what it costs beside the best plan without it."""
    if not result.limits:
        return
    print_lines(f"what each limit costs, the others kept; {result.level:.0%} intervals: {result.interval}")
    for cost in result.limits:
        paid = f"{shown(cost.loss)} of {result.metric}" if result.terms.loss is None else f"{shown(cost.flops)} FLOPs"
        costs = "" if cost.compute.value is None else f"costs {paid}, {_shares(cost.compute)} of the compute; "
        print_lines(f"  {cost.limit.text}: {costs}{cost.says}")


def _shares(found: Interval) -> str:
    ends = f" [{percent(found.low)}, {percent(found.high)}]" if found.low is not None or found.high is not None else ""
    return percent(found.value) + ends
