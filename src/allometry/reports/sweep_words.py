"""A sweep in words: a row for each strategy at a budget, as commands, notebooks and reports show it."""

from __future__ import annotations

from allometry.inference.sweeps import Difference, Results, Row
from allometry.reports.numbers import shown

HEADS = (
    "strategy",
    "budget",
    "accuracy",
    "interval",
    "tokens",
    "calls",
    "s p50",
    "s p95",
    "money",
    "selector",
    "scorer",
)


def cells(found: Results) -> list[tuple[str, ...]]:
    """The cells of every row, under HEADS."""
    several = len({row.engine for row in found.rows}) > 1
    return [_cells(row, several) for row in found.rows]


def _cells(row: Row, several: bool) -> tuple[str, ...]:
    strategy = f"{row.strategy} on {row.engine}" if several else row.strategy
    selector = f"{row.selector} (oracle)" if row.oracle else row.selector
    budget = f"{row.budget:g} {row.unit.replace('_', ' ')}" if row.unit else "none"
    money = row.meter["money"]
    seconds = "" if row.seconds is None else ", ".join(shown(value, 3) for value in row.seconds)
    return (
        strategy, budget, percent(row.accuracy.value), ends(row.accuracy.low, row.accuracy.high), selector,
        row.scorer or "none", shown(row.meter["generated_tokens"] or 0.0, 4), seconds,
        shown(row.meter["calls"] or 0.0, 3), "" if money is None else shown(money, 3),
    )  # fmt: skip


def percent(share: float | None) -> str:
    """A share in percent, to a tenth.

    >>> percent(0.1234), percent(None)
    ('12.3%', '')
    """
    return "" if share is None else f"{share:.1%}"


def ends(low: float | None, high: float | None) -> str:
    """The ends of an interval of shares."""
    return "" if low is None or high is None else f"{low:.1%} to {high:.1%}"


def compared(found: Results) -> list[str]:
    """Strategies against the first, at the largest budget of each unit and engine, a sentence each."""
    largest: dict[tuple[str, str], float] = {}
    for each in found.differences:
        largest[each.engine, each.unit] = max(each.budget, largest.get((each.engine, each.unit), 0.0))
    several = len({each.engine for each in found.differences}) > 1
    told = [each for each in found.differences if each.budget == largest[each.engine, each.unit]]
    return [_sentence(each, found.level, several) for each in told]


def _sentence(each: Difference, level: float, several: bool) -> str:
    gap, where = each.difference, f" on {each.engine}" if several else ""
    at = f"at {each.unit}={each.budget:g}{where}, on the same {each.problems} problems"
    if gap.value is None or gap.low is None or gap.high is None:
        return f"{each.strategy} and {each.baseline} cannot be compared {at}: {gap.why}"
    interval = f"{level:.0%} interval {100 * gap.low:+.1f} to {100 * gap.high:+.1f}"
    verdict = "" if each.sure else ": not told apart"
    return f"{each.strategy} against {each.baseline}: {100 * gap.value:+.1f} points ({interval}) {at}{verdict}"
