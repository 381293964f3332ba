"""The constants of a declaration: what was published, figures that follow, and the design of the law's test."""

from __future__ import annotations

from collections.abc import Mapping

from allometry.laws._tables import Table, listed
from allometry.laws.law import Design, Figure, Parameter, Published

STATUSES = ("seen", "recalled", "proposed")


def read_publications(table: Table, parameters: tuple[Parameter, ...], *, resized: bool) -> dict[str, Published]:
    """Published constants by key; those of another family size do not belong to a resized law and are left out."""
    names = {parameter.name for parameter in parameters}
    found = {}
    for key in list(table.content):
        entry = table.table(key)
        values = entry.table("values").named()
        if resized and set(values) != names:
            continue
        found[key] = Published(
            key=key,
            values=values,
            source=entry.text("source"),
            status=entry.text("status"),
            where=entry.text("where", ""),
            conventions=entry.table("conventions").texts_by_key(),
            note=entry.text("note", ""),
        )
        _check_values(entry, values, parameters)
        if found[key].status not in STATUSES:
            raise entry.refuse("bad-declaration", f"must be one of {listed(STATUSES)}", "status")
        entry.finish()
    return found


def _check_values(table: Table, values: Mapping[str, float], parameters: tuple[Parameter, ...]) -> None:
    names = {parameter.name for parameter in parameters}
    for name in sorted(set(values) ^ names):
        problem = "is missing" if name in names else "is not a parameter"
        raise table.refuse("bad-values", f"{name!r} {problem}", "values", f"give exactly {listed(sorted(names))}")
    for parameter in parameters:
        if not parameter.allows(values[parameter.name]):
            raise table.refuse("bad-values", "lies outside its bounds", f"values.{parameter.name}")


def read_design(
    table: Table, axes: tuple[str, ...], parameters: tuple[Parameter, ...], published: Mapping[str, Published]
) -> Design | None:
    if not table.content:
        return None
    grid, columns = _columns(table.table("grid")), _columns(table.table("columns"))
    given = {*grid, *columns}
    # axes that follow from a run's history (a schedule) are computed from other columns when the design is used
    if given & set(axes) and given != set(axes):
        raise table.refuse("bad-declaration", f"must give values for exactly {listed(axes)}", "grid and columns")
    if len({len(column) for column in columns.values()}) > 1:
        raise table.refuse("bad-declaration", "must be of one length", "columns")
    truth = table.text("truth", "")
    if truth and truth not in published:
        raise table.refuse("unknown-key", f"no constants are published as {truth!r}", "truth", listed(published))
    values = dict(published[truth].values) if truth else table.table("values").named()
    _check_values(table, values, parameters)
    design = Design(
        values=values, grid=grid, noise=table.number("noise"), columns=columns, loose=table.truth("loose", False)
    )
    table.finish()
    return design


def _columns(table: Table) -> dict[str, tuple[float, ...]]:
    return {name: table.numbers(name) for name in list(table.content)}


def read_figures(
    table: Table, axes: tuple[str, ...], parameters: tuple[Parameter, ...], published: Mapping[str, Published]
) -> tuple[Figure, ...]:
    """The figures of a declaration: `published` names their constants, or `values` gives them."""
    found = []
    for name in list(table.content):
        entry = table.table(name)
        key = entry.text("published", "")
        if key and key not in published:
            raise entry.refuse("unknown-key", f"no constants are published as {key!r}", "published", listed(published))
        values = dict(published[key].values) if key else entry.table("values").named()
        _check_values(entry, values, parameters)
        figure = Figure(
            name=name,
            values=values,
            at=entry.table("at").named(),
            value=entry.number("value"),
            within=entry.number("within"),
            where=entry.text("where"),
            quantity=entry.text("quantity", ""),
            computed=entry.truth("computed", False),
        )
        if not figure.quantity and set(figure.at) != set(axes):
            raise entry.refuse("bad-declaration", f"must give exactly {listed(axes)}", "at")
        entry.finish()
        found.append(figure)
    return tuple(found)
