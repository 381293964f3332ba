"""Columns under their standard names: what `--map axis=column` does, and what a refusal says of a missing one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import quote

from allometry.axes import AXES, likely_columns, nearest_names
from allometry.notices import Notice, Refused
from allometry.runs.columns import Column
from allometry.runs.tables import Table

# Columns that say something about a row and are no axis.
ROLES = (
    "run_id", "step", "state", "seed", "loss_unit", "tokenizer", "evaluation", "params_convention", "flops_convention",
)  # fmt: skip


def map_columns(table: Table, mapping: Mapping[str, str]) -> tuple[dict[str, Column], tuple[Notice, ...]]:
    """The table's columns, and each mapped one a second time under its standard name.

    The column keeps its own name too, so that a filter may use either. A column of the
    table that a mapping hides is said so.
    """
    columns = dict(table.columns)
    for name, column in mapping.items():
        if column not in table.columns:
            raise unknown_column(column, table.columns, table.where)
        columns[name] = table.columns[column]
    return columns, tuple(_remarks(table, mapping))


def _remarks(table: Table, mapping: Mapping[str, str]) -> Iterable[Notice]:
    for name, column in mapping.items():
        if name in table.columns and name != column:
            yield Notice("column-hidden", f"`{name}` is read from `{column}`, not from the table's own `{name}`")
        if name not in AXES and name not in ROLES:
            near = nearest_names(name, AXES, 1)[0]
            yield Notice("not-in-vocabulary", f"`{name}` is no standard name (the nearest is `{near}`); kept as it is")


def unknown_column(name: str, columns: Iterable[str], where: str) -> Refused:
    """The refusal of a column that the table does not have, with the three nearest names."""
    near = ", ".join(f"`{other}`" for other in nearest_names(name, columns))
    return Refused("unknown-column", f"there is no column `{name}`", where, f"the nearest names are {near}")


def map_option(name: str, column: str) -> str:
    """The option that maps a column, as it is typed in a shell.

    >>> map_option("params", "model size")
    "--map 'params=model size'"
    """
    return f"--map {quote(f'{name}={column}')}"


def missing_axis(name: str, columns: Iterable[str], where: str) -> Refused:
    """The refusal of an axis or metric that is needed, with the columns that probably hold it."""
    names = list(columns)
    likely = likely_columns(name, names)
    if not likely:
        near = ", ".join(f"`{other}`" for other in nearest_names(name, names))
        mend = f"add it, or map a column to it (--map {name}=COLUMN); the nearest names are {near}"
    else:
        others = "".join(f", or {map_option(name, other)}" for other in likely[1:])
        mend = f"if it is called `{likely[0]}` here, map it: {map_option(name, likely[0])}{others}"
    return Refused("missing-axis", f"the table has no column `{name}`", where, mend)
