"""Choosing lines of a folder by a condition in words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from allometry.expressions import parse_filter
from allometry.inference.records.privacy import Line
from allometry.inference.records.schema import COLUMNS, ONCE
from allometry.inference.records.segments import read_segment, segments
from allometry.inference.records.table import frames, read_lines, read_table


def pick(folder: str | Path, where: str) -> Callable[[Line], bool]:
    """What tells the lines of a folder that meet a condition, such as `problem == "7" or engine == "old"`.

    Use it with `scrub`. The condition is of the columns of records and is read as a filter of tables is.
    Errors: `Refused` for a condition that is none, with the place, and for a column that records do not have.
    """
    import polars as pl

    asked = parse_filter(where)
    folder = Path(folder)
    next(read_lines(folder), None)  # refuses what is no folder of records
    held = read_table(folder)
    live = chain.from_iterable(frames(line for _, line in read_segment(path)) for path in segments(folder))
    whole = pl.concat([*([] if held is None else [held]), *live, *frames(iter(()))])
    # where it names a column that is none, all of them are told
    names = COLUMNS if set(asked.names) - set(COLUMNS) else {*asked.names, "kind"}
    met = asked.apply({name: whole[name].to_numpy() for name in names})
    chosen = set(whole.filter(pl.Series(met)).select(ONCE).iter_rows())
    return lambda line: tuple(line.get(name) for name in ONCE) in chosen
