"""The parameters of a declaration: bounds, starts, and families unrolled to their members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from allometry.laws._tables import Table, listed
from allometry.laws.law import Bounds, Parameter

MOST_PARAMETERS = 30


def read_parameters(table: Table, families: Mapping[str, int], axes: tuple[str, ...]) -> tuple[Parameter, ...]:
    found: list[Parameter] = []
    for name in list(table.content):
        entry = table.table(name)
        family = entry.text("family", "")
        if family and family not in families:
            raise entry.refuse("unknown-family", f"no family is called {family!r}", "family", "add it to [families]")
        parameter = _parameter(entry, name, axes)
        found += _members(parameter, families[family]) if family else [parameter]
        entry.finish()
    if not 1 <= len(found) <= MOST_PARAMETERS:
        raise table.refuse("too-many-parameters", f"{len(found)} parameters; a law has 1 to {MOST_PARAMETERS}")
    return tuple(found)


def _parameter(entry: Table, name: str, axes: tuple[str, ...]) -> Parameter:
    low, high = _bounds(entry, name)
    start = entry.numbers("start") if "start" in entry.content else None
    parameter = Parameter(
        name=name,
        meaning=entry.text("meaning", ""),
        unit=entry.text("unit", ""),
        low=low,
        high=high,
        symbol=entry.text("symbol", ""),
        start=None if start is None else _start(entry, start, low, high),
        along=entry.text("along", ""),
    )
    if parameter.along and parameter.along not in axes:
        raise entry.refuse("unknown-axis", f"{parameter.along!r} is not among the axes", "along", listed(axes))
    return parameter


def _bounds(entry: Table, name: str) -> Bounds:
    """Positive unless said otherwise: `free = true` takes all bounds away."""
    free, given = entry.truth("free", False), {"low", "high"} & set(entry.content)
    low = entry.number("low") if "low" in entry.content else 0.0
    high = entry.number("high") if "high" in entry.content else None
    if free and given:
        raise entry.refuse("bad-bounds", f"{name} is free and has a bound", min(given), "remove one of the two")
    if high is not None and not low < high:
        raise entry.refuse("bad-bounds", f"{name} must lie between {low:g} and {high:g}", "high", "give low < high")
    return (None, None) if free else (low, high)


def _start(entry: Table, start: tuple[float, ...], low: float | None, high: float | None) -> tuple[float, float]:
    if len(start) != 2 or not start[0] < start[1]:
        raise entry.refuse("bad-start", "must be two numbers, the smaller first", "start")
    lowest = -float("inf") if low is None else low
    highest = float("inf") if high is None else high
    if not (lowest <= start[0] and start[1] <= highest) or (low == 0 and high is None and start[0] == 0):
        raise entry.refuse("bad-start", "must lie inside the bounds", "start", "a positive parameter starts above 0")
    return start[0], start[1]


def _members(parameter: Parameter, size: int) -> list[Parameter]:
    """The members of a family by the names the grammar gives them when it unrolls a sum or product."""
    symbol = parameter.symbol or parameter.name
    return [replace(parameter, name=f"{parameter.name}_{j}", symbol=f"{symbol}_{{{j}}}") for j in range(1, size + 1)]
