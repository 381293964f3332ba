"""Tables as text: CSV and JSON lines.

Rows count from 0 after the header; blank lines are no rows. polars reads the plain case;
what it would fill in silently (short rows, blank lines) is read again cell by cell.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from allometry.notices import Refused
from allometry.runs.columns import Column, as_column, from_text

if TYPE_CHECKING:
    import polars


def read_csv(contents: bytes, where: str) -> dict[str, Column]:
    """The columns of a comma-separated file with a header."""
    text = _decoded(contents, where)
    names = _header(text, where)
    return {name: from_text(series) for name, series in zip(names, _cells(text, names, where), strict=True)}


def read_jsonl(contents: bytes, where: str) -> dict[str, Column]:
    """The columns of a file with one JSON object a line; a key that a row lacks is missing there."""
    lines = (line for line in _decoded(contents, where).split("\n") if line.strip())
    rows = [_record(number, line, where) for number, line in enumerate(lines)]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: as_column(name, [row.get(name) for row in rows]) for name in names}


def _decoded(contents: bytes, where: str) -> str:
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = contents.count(b"\n", 0, error.start) + 1
        raise Refused("not-utf8", f"line {line} is not UTF-8 text", where, "save the file as UTF-8") from None


def _header(text: str, where: str) -> list[str]:
    first = next((row for row in csv.reader(io.StringIO(text, newline="")) if row), [])
    names = [name.strip() for name in first]
    refuse_twice(names, where)
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise Refused("not-commas", "the columns are not separated by commas", where, "write the table with commas")
    return names


def _cells(text: str, names: list[str], where: str) -> list[polars.Series]:
    import polars as pl

    try:
        frame = pl.read_csv(text.encode(), infer_schema=False)
    except pl.exceptions.PolarsError:
        return _cells_one_by_one(text, names, where)
    short = frame.width != len(names) or frame.height == 0 or frame.to_series(-1).null_count() > 0
    return _cells_one_by_one(text, names, where) if short else frame.get_columns()


def _cells_one_by_one(text: str, names: list[str], where: str) -> list[polars.Series]:
    import polars as pl

    rows = list(_rows(text, where))[1:]
    ragged = [(number, len(row)) for number, row in enumerate(rows) if len(row) != len(names)]
    if ragged:
        number, cells = ragged[0]
        message = f"row {number} has {cells} cells and the header {len(names)}"
        raise Refused("ragged", message, f"{where}, {len(ragged)} such rows", "give every row one cell a column")
    columns = zip(*rows, strict=True) if rows else (() for _ in names)
    return [pl.Series([cell or None for cell in column], dtype=pl.String) for column in columns]


def _rows(text: str, where: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row)
    except csv.Error as error:
        raise Refused("not-csv", f"the file is not CSV ({error})", where, "check its quotes") from None


def _record(number: int, line: str, where: str) -> dict[str, Any]:
    try:
        # Only the first row's keys are checked for a name given twice: the hook costs as much as the parse.
        pairs = json.loads(line, object_pairs_hook=list) if number == 0 else []
        record = json.loads(line)
    except json.JSONDecodeError as error:
        message = f"row {number} is not JSON ({error.msg})"
        raise Refused("not-json", message, where, "give one JSON object a line") from None
    if not isinstance(record, dict):
        raise Refused("not-json", f"row {number} is not an object", where, "give one JSON object a line")
    refuse_twice((name for name, _ in pairs), where)
    return record


def refuse_twice(names: Iterable[str], where: str) -> None:
    """Refuse two columns of one name: nobody could say which is meant."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        listed = ", ".join(f"`{name}`" for name in twice)
        raise Refused("duplicate-columns", f"more than one column is called {listed}", where, "rename all but one")
