"""The compacted file: every line of the segments as one Parquet table, each thing once."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allometry.inference.records.privacy import Line
from allometry.inference.records.schema import COLUMNS, FORMAT, HEADER, ONCE, check_header
from allometry.inference.records.segments import read_segment, segments
from allometry.notices import Refused

if TYPE_CHECKING:
    import polars

FILE = "records.parquet"
LINES_AT_ONCE = 50_000


def read_table(folder: Path, columns: Sequence[str] | None = None) -> polars.DataFrame | None:
    """The compacted table of a folder, or some of its columns; None where there is none yet.

    Errors: `Refused` for a file that is damaged, of another kind or of a newer version.
    """
    import polars as pl

    path = folder / FILE
    if not path.exists():
        return None
    try:
        held = pl.read_parquet_metadata(path).get(FORMAT)
        check_header(json.loads(held) if held else None, str(path))
        return pl.read_parquet(path, columns=None if columns is None else list(columns))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("damaged-records", "this is not a whole Parquet file", str(path), "restore it") from None


def read_lines(folder: str | Path, kinds: Collection[str] = ()) -> Iterator[Line]:
    """Every line of a folder, or those of some kinds, compacted ones first; nothing is locked and nothing is changed.

    Errors: `Refused` where there is no such folder, and for files that are no records.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise Refused("no-such-folder", "there is no such folder", str(folder), "name a folder of a sweep")
    table = read_table(folder)
    if table is not None:
        wanted = table.filter(table["kind"].is_in(list(kinds))) if kinds else table
        for row in wanted.iter_rows(named=True):
            yield {name: value for name, value in row.items() if value is not None}
    for path in segments(folder):
        yield from (line for _, line in read_segment(path) if not kinds or line["kind"] in kinds)


def read_columns(folder: Path, columns: Sequence[str]) -> polars.DataFrame:
    """Some columns of every line of a folder, each thing once; nothing is locked and nothing is changed.

    Errors: as `read_lines`.
    """
    import polars as pl

    if not folder.is_dir():
        raise Refused("no-such-folder", "there is no such folder", str(folder), "name a folder of a sweep")
    known = (*dict.fromkeys((*columns, *ONCE)),)
    held = read_table(folder, known)
    live = [
        frame.select(known) for path in segments(folder) for frame in frames(line for _, line in read_segment(path))
    ]
    parts = [*([] if held is None else [held]), *live]
    if not parts:
        return next(iter(frames(iter(())))).select(columns)
    found = pl.concat(parts)
    return (found.unique(subset=ONCE, keep="last", maintain_order=True) if live else found).select(columns)


def compact(folder: Path) -> None:
    """Turn all segments into one table. Killed at any moment, nothing is lost: a line met twice counts once."""
    found = segments(folder)
    fresh = [frame for path in found for frame in frames(line for _, line in read_segment(path))]
    if any(len(frame) for frame in fresh):
        held = read_table(folder)
        write_table(folder, fresh if held is None else [held, *fresh])
    for path in found:
        path.unlink()


def write_table(folder: Path, parts: Sequence[polars.DataFrame]) -> None:
    """Write the table of a folder, whole or not at all, readable by its owner only."""
    import polars as pl

    whole = pl.concat(parts).unique(subset=ONCE, keep="last", maintain_order=True)
    held = io.BytesIO()
    # in the order of groups, so that the answers of one lie together
    whole.sort("group", nulls_last=True, maintain_order=True).write_parquet(
        held, metadata={FORMAT: json.dumps(dict(HEADER))}
    )
    partial = folder / f"{FILE}.{os.getpid()}.partial"
    file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(held.getbuffer())
    partial.replace(folder / FILE)


def frames(lines: Iterator[Line]) -> Iterator[polars.DataFrame]:
    """Lines as frames of a bounded size, so that a long segment is never held as Python objects."""
    import polars as pl

    kinds: dict[type, Any] = {str: pl.String, int: pl.Int64, float: pl.Float64}
    schema = {name: kinds[kind] for name, kind in COLUMNS.items()}
    yield pl.DataFrame(schema=schema)
    while chunk := list(islice(lines, LINES_AT_ONCE)):
        yield pl.DataFrame({name: [line.get(name) for line in chunk] for name in COLUMNS}, schema=schema)
