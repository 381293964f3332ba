"""`allometry runs`: what a table holds, before anything is fitted to it."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.options import Convention, Json, Map, MapFile, RowsRule, Table, Where, read_table
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table
from allometry.runs import Description, describe

LISTED = 8


def runs(
    table: Table, map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None,
    convention: Convention = None,
    target: Annotated[str | None, typer.Option(help="Metric whose repeats give the noise floor.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show what a table holds: ranges of axes, conventions, repeats, states, exclusions."""
    found = describe(read_table(table, map, map_file, where, rows, convention), target)
    if json:
        print_json(found.as_json())
    else:
        show(found)


def show(found: Description) -> None:
    """The description as tables and sentences."""
    print_lines(f"{found.source}: {found.usage}")
    ranges = {**found.axes, **found.metrics}
    cells = [
        (name, number(r.low), number(r.high), str(r.distinct), r.unit, "derived" if r.derived else r.why)
        for name, r in ranges.items()
    ]
    print_table("", ("column", "low", "high", "distinct", "unit", ""), cells)
    if found.others:
        print_lines("other columns: " + ", ".join(found.others[:20]))
    for name, meaning in found.conventions.items():
        print_lines(f"convention, {name}: {meaning}")
    _show_repeats(found)
    for row, reason in found.excluded[:LISTED]:
        print_lines(f"row {row} left out: {reason}")
    if len(found.excluded) > LISTED:
        print_lines(f"and {len(found.excluded) - LISTED} more rows left out")
    print_lines(*found.derived)
    print_notices(found.notices)


def _show_repeats(found: Description) -> None:
    if found.runs is not None:
        print_lines(f"runs: {found.runs}; states: " + ", ".join(f"{k} {v}" for k, v in found.states.items()))
    print_lines(
        f"repeats (equal axes, other {found.metric}): {len(found.repeats)} groups; duplicates: {len(found.duplicates)} groups"
    )
    if found.noise.value is not None:
        print_lines(
            f"noise floor: {found.noise.value:.2%} of {found.metric} (repeats, {found.degrees_of_freedom} degrees of freedom)"
        )
