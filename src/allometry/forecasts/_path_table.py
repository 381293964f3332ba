"""Reading a table of checkpoints in which one run is still going, or was resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allometry.forecasts._paths import run_name
from allometry.notices import Notice
from allometry.runs import Runs, Table, read_runs, read_table
from allometry.runs.columns import Column, codes
from allometry.runs.identity import find_identity
from allometry.runs.mapping import map_columns

_APART = ("evaluation", "tokenizer", "loss_unit")  # rows of one step may differ in these


def read_watched(
    source: object,
    run: str,
    *,
    map: Mapping[str, str] | None = None,
    where: str | None = None,
    conventions: Mapping[str, str] | None = None,
) -> Runs:
    """All checkpoints of a table, as `watch` reads them.

    Use it in place of `read_runs` for a run that was resumed, which gives some steps twice: the last row given of a step
    counts. Rows of the watched run are kept whatever state its tracker writes beside them.

    Arguments: `run` the id of the watched run; the others as in `read_runs`.
    Errors: as `read_runs`.

    >>> table = {"run_id": ["a", "a", "a"], "step": [1, 2, 2], "params": [1e6] * 3, "loss": [4.0, 9.0, 3.0]}
    >>> read_watched(table, "a").columns["loss"].tolist()
    [4.0, 3.0]
    """
    table = read_table(source)
    columns, _ = map_columns(table, map or {})
    if "run_id" not in columns or table.height < 2:
        return read_runs(source, map=map, where=where, rows="all", conventions=conventions)
    kept = _last_given(columns, table)
    changed = _going_on(columns, run)
    if kept.all() and changed is None:
        return read_runs(source, map=map, where=where, rows="all", conventions=conventions)
    shown = {**table.columns, **({} if changed is None else {(map or {}).get("state", "state"): changed})}
    found = read_runs({name: column[kept] for name, column in shown.items()}, map=map, where=where, rows="all",
                      conventions=conventions)  # fmt: skip
    return _as_given(found, table, kept)


def _last_given(columns: Mapping[str, Column], table: Table) -> NDArray[np.bool_]:
    """All but rows whose run and step a later row gives again."""
    identity, _ = find_identity(columns, table.height, table.where)
    if identity is None or identity.order is None:
        return np.ones(table.height, dtype=bool)
    apart = [columns[name] for name in _APART if name in columns]
    keys = codes([identity.labels, columns[identity.order], *apart], table.height)
    last = np.zeros(table.height, dtype=bool)
    last[table.height - 1 - np.unique(keys[::-1], return_index=True)[1]] = True
    return last


def _going_on(columns: Mapping[str, Column], run: str) -> Column | None:
    """The column of states with the watched run as running; None where that changes nothing."""
    if "state" not in columns:
        return None
    own = np.array([run_name(value) == run for value in columns["run_id"].tolist()])
    states = columns["state"].astype(object)
    states[own] = "running"
    return None if (states[own] == columns["state"][own]).all() else states


def _as_given(found: Runs, table: Table, kept: NDArray[np.bool_]) -> Runs:
    """Runs of a part of a table, with the row numbers and the name of the whole."""
    again = int((~kept).sum())
    said = f"{again} rows are a step of their run that a later row gives again: the last given counts"
    reasons = np.full(table.height, "a later row gives this step again", dtype=object)
    reasons[kept] = found.reasons
    return replace(
        found, row_numbers=np.flatnonzero(kept)[found.row_numbers], reasons=reasons, source=table.where,
        remarks=(*found.remarks, *([Notice("steps-again", said)] if again else [])),
    )  # fmt: skip
