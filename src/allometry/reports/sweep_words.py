"""A sweep in words: a row for each strategy at a budget, as commands, notebooks and reports show it."""

from __future__ import annotations

from typing import NamedTuple

from allometry.inference.sweeps import Difference, Results, Row
from allometry.reports.numbers import shown

# The most important first: a notebook shows no more than eight.
_HEADS = (
    "strategy", "budget", "accuracy", "interval", "tokens", "problems", "cut off", "selector", "engine", "scorer", "seconds",
    "calls", "money",
)  # fmt: skip
# What all rows have in common is said once.
_COMMON = {"engine": "on", "scorer": "scored by", "selector": "selected by"}


class Words(NamedTuple):
    """A table in words: what all rows have in common, the heads, and a cell for each."""

    common: str
    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]


def words(found: Results) -> Words:
    """The rows of a sweep, with columns left out that hold nothing or the same everywhere."""
    uneven = len({row.problems for row in found.rows}) > 1
    cells = [_cells(row, found.name(row.engine), uneven) for row in found.rows]
    columns = {head: {row[i] for row in cells} for i, head in enumerate(_HEADS)}
    same = {head: next(iter(columns[head])) for head in _COMMON if len(columns[head]) == 1}
    units = {row.unit for row in found.rows}
    told = [f"{_COMMON[head]} {value}" for head, value in same.items() if value != "none"]
    if len(units) == 1:
        told.append(f"budgets in {units.pop().replace('_', ' ')}")
        cells = [(row[0], row[1].partition(" ")[0], *row[2:]) for row in cells]
    kept = [i for i, head in enumerate(_HEADS) if head not in same and columns[head] != {""}]
    told.append(f"{found.level:.0%} intervals; means a problem, seconds at the 50th and 95th percentile")
    rows = [tuple(row[i] for i in kept) for row in cells]
    return Words("; ".join(told), tuple(_HEADS[i] for i in kept), rows)


def _cells(row: Row, engine: str, uneven: bool) -> tuple[str, ...]:
    selector = f"{row.selector} (oracle)" if row.oracle else row.selector
    budget = f"{row.budget:g} {row.unit.replace('_', ' ')}" if row.unit else "none"
    money = row.meter["money"]
    seconds = "" if row.seconds is None else ", ".join(shown(value, 3) for value in row.seconds)
    return (
        row.strategy, budget, percent(row.accuracy.value), ends(row.accuracy.low, row.accuracy.high),
        shown(row.meter["generated_tokens"] or 0.0, 4), f"{row.problems}" if uneven else "",
        f"{row.truncated}" if row.truncated else "", selector, engine, row.scorer or "none", seconds,
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
    return [_sentence(each, found, several) for each in told]


def _sentence(each: Difference, found: Results, several: bool) -> str:
    gap, where = each.difference, f" on {found.name(each.engine)}" if several else ""
    at = f"at {each.unit}={each.budget:g}{where}, on the same {each.problems} problems"
    if gap.value is None or gap.low is None or gap.high is None:
        return f"{each.strategy} and {each.baseline} cannot be compared {at}: {gap.why}"
    interval = f"{found.level:.0%} interval {100 * gap.low:+.1f} to {100 * gap.high:+.1f}"
    verdict = "" if each.sure else ": not told apart"
    return f"{each.strategy} against {each.baseline}: {100 * gap.value:+.1f} points ({interval}) {at}{verdict}"
