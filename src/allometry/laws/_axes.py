"""The axes of a declaration: those of the vocabulary by name, others declared, families unrolled to their members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from allometry.axes import AXES, Axis
from allometry.laws._tables import Table


def read_axes(table: Table, families: Mapping[str, int], metric: str) -> tuple[tuple[str, ...], dict[str, Axis]]:
    """The law's axes in order, and what is declared of those (and of the metric) that are in no vocabulary."""
    names, declared = list(table.texts("axes")), dict[str, Axis]()
    entries = table.table("axis")
    for name in list(entries.content):
        if name in AXES or name not in (*names, metric):
            reason = "is in the vocabulary already" if name in AXES else "is not among the axes"
            raise entries.refuse("bad-axis", f"{name!r} {reason}", name, "remove this table")
        entry = entries.table(name)
        members = _members(entry, _axis(entry, name, metric), families)
        if name in names:
            at = names.index(name)
            names[at : at + 1] = [member.name for member in members]
        declared |= {member.name: member for member in members}
        entry.finish()
    return tuple(names), declared


def _axis(entry: Table, name: str, metric: str) -> Axis:
    return Axis(
        name,
        symbol=entry.text("symbol", name),
        unit=entry.text("unit", ""),
        meaning=entry.text("meaning", ""),
        kind="metric" if name == metric else "axis",
        positive=entry.truth("positive", True),
        latex=entry.text("latex", ""),
    )


def _members(entry: Table, axis: Axis, families: Mapping[str, int]) -> list[Axis]:
    """The axis itself, or the members of its family by the names the grammar gives them when it unrolls a sum."""
    family = entry.text("family", "")
    if not family:
        return [axis]
    if family not in families:
        raise entry.refuse("unknown-family", f"no family is called {family!r}", "family", "add it to [families]")
    latex = axis.latex or axis.symbol
    return [
        replace(axis, name=f"{axis.name}_{j}", symbol=f"{axis.symbol}_{j}", latex=f"{latex}_{{{j}}}")
        for j in range(1, families[family] + 1)
    ]


def axis_table(axis: Axis) -> dict[str, object]:
    """What a declaration says of one axis."""
    return {key: getattr(axis, key) for key in ("symbol", "unit", "meaning", "positive", "latex")}
