"""`read_runs`: from any table to validated `Runs`, in the order that a reader would check it by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from allometry.notices import Refused
from allometry.runs.conventions import check_declared
from allometry.runs.derive import derive_axes
from allometry.runs.identity import find_identity
from allometry.runs.mapping import map_columns
from allometry.runs.runs import Runs
from allometry.runs.schedules import History
from allometry.runs.selection import RowsRule, row_states, select_rows
from allometry.runs.tables import Table, read_table


def read_runs(
    source: object,
    *,
    map: Mapping[str, str] | None = None,
    where: str | None = None,
    rows: str | None = None,
    conventions: Mapping[str, str] | None = None,
    drop_invalid: bool = False,
    fewest: int = 2,
) -> Runs:
    """Measurements from a CSV, Parquet or JSON-lines file, a dict of columns, any dataframe, or "embedded".

    `map` is {standard name: the table's column}. `where` filters rows (see the expressions).
    `rows` is "final" (default: the last row of each finished run), "all", or "after:FRACTION"
    of each run. `conventions` states what the numbers count: params, flops, loss_unit,
    tokenizer, evaluation. `drop_invalid` leaves out rows with values that cannot be used
    instead of refusing them. A table of fewer rows than `fewest` is refused. Axes that follow from others are derived and said so.
    Refused (`Refused`, one sentence with cause, row and mend) before anything is computed.

    >>> table = {"N": [1e6, 2e6], "tokens": [1e8, 1e8], "loss": [4.0, 3.5]}
    >>> runs = read_runs(table, map={"params": "N"}, conventions={"loss_unit": "nats per token"})
    >>> runs.columns["flops"].tolist()
    [600000000000000.0, 1200000000000000.0]
    """
    rule = RowsRule.parse(rows or "final")
    table = read_table(source)
    _require_rows(table, fewest)
    columns, remarks = map_columns(table, map or {})
    columns, derived = derive_axes(columns)
    states = row_states(columns, table.height, table.where)
    identity, seen = find_identity(columns, table.height, table.where)
    runs = Runs(
        columns=columns, row_numbers=np.arange(table.height), reasons=np.full(table.height, None, dtype=object),
        source=table.where, declared={**table.conventions, **(conventions or {})}, mapping=dict(map or {}), formulas=derived,
        run_labels=None if identity is None else identity.labels, remarks=(*remarks, *seen), drop_invalid=drop_invalid,
        states=dict(Counter(states.tolist())) if "state" in columns else {},
        history=History.of(columns, None if identity is None else identity.labels), rule=rows,
    )  # fmt: skip
    wanted = np.ones(table.height, dtype=bool) if where is None else runs.matches(where)
    left_out = list(select_rows(columns, states, identity, rule, wanted, table.where))
    chosen = runs if where is None else runs.where(where)
    for mask, reason in left_out:
        still = ~mask[chosen.row_numbers]
        chosen = chosen.keep(still, reason if isinstance(reason, str) else reason[chosen.row_numbers])
    _require_left(chosen, rule)
    check_declared(chosen.declared, chosen.columns, chosen.source)
    return chosen


def _require_rows(table: Table, fewest: int) -> None:
    if table.height == 0:
        raise Refused("no-rows", "the table has a header and no rows", table.where, "give the rows of several runs")
    if table.height < fewest:
        held = "one row" if table.height == 1 else f"{table.height} rows, fewer than {fewest}"
        raise Refused("one-row", f"the table has {held}", table.where, "give the rows of several runs")


def _require_left(runs: Runs, rule: RowsRule) -> None:
    if not len(runs):
        reasons = {excluded.reason for excluded in runs.excluded[:1]}
        message = f"none of {runs.given} rows is left (row {runs.excluded[0].row}: {reasons.pop()})"
        other = "--rows all or after:FRACTION" if rule.kind == "final" else "other rows or another filter"
        raise Refused("nothing-left", message, runs.source, f"try {other}")
