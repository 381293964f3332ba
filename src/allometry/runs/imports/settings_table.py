"""Settings that the tracker does not know, from a table of the user's own: one row a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from allometry.notices import Notice, Refused
from allometry.runs.columns import Column
from allometry.runs.imports.joining import Group
from allometry.runs.tables import read_table

_KEYS = ("run_id", "run_name")


@dataclass(frozen=True)
class SettingsTable:
    """Settings by run: `key` says whether runs are named by their id or their name."""

    key: str
    rows: Mapping[str, Mapping[str, object]]
    where: str


def read_settings(path: str) -> SettingsTable:
    """A table with a column `run_id` or `run_name`; all its other columns are settings of that run."""
    table = read_table(path)
    key = next((name for name in _KEYS if name in table.columns), None)
    if key is None:
        mend = "add a column `run_id` or `run_name`"
        raise Refused("no-run-id", "the table of settings does not say which run a row is of", table.where, mend)
    names = [_text(value) for value in table.columns[key].tolist()]
    again = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if again is not None:
        raise Refused("run-twice", f"run `{again}` has more than one row", table.where, "keep one row a run")
    others = {name: column for name, column in table.columns.items() if name != key}
    return SettingsTable(key, {name: _row(others, place) for place, name in enumerate(names)}, table.where)


def _row(columns: Mapping[str, Column], place: int) -> dict[str, object]:
    values = {name: column.tolist()[place] for name, column in columns.items()}
    return {name: value for name, value in values.items() if value is not None and value == value}


def _text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def with_settings(groups: Sequence[Group], table: SettingsTable) -> tuple[list[Group], list[Notice]]:
    """The runs with the settings of the table added, and what is said where the two do not cover each other."""
    found, without = list[Group](), list[str]()
    for group in groups:
        own = table.rows.get(group.run_id if table.key == "run_id" else group.about.name)
        if own is None:
            without.append(group.run_id)
        found.append(replace(group, about=replace(group.about, config={**group.about.config, **(own or {})})))
    if len(without) == len(groups):
        mend = f"its column `{table.key}` holds other names than the runs, such as `{without[0]}`"
        raise Refused("no-settings", "the table of settings names none of the runs", table.where, mend)
    said = (
        f"{len(without)} of {len(groups)} runs are not in the table of settings, such as `{without[0]}`"
        if without
        else ""
    )
    return found, [Notice("no-settings", said)] if said else []
