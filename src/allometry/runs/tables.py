"""A table as given: named columns of one length, from a file, a dict or any dataframe.

What it refuses: files it does not read, empty ones, ragged ones, other encodings, two
columns of one name. It never renames, drops or fills anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allometry.notices import Refused
from allometry.runs.columns import Column, as_column, from_series
from allometry.runs.embedded import EMBEDDED, NAME, embedded_columns, embedded_conventions
from allometry.runs.text import read_csv, read_jsonl, refuse_twice

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, eq=False)
class Table:
    """Columns as they were given, the number of rows, where they came from, and what their source states of them."""

    columns: Mapping[str, Column]
    height: int
    where: str
    conventions: Mapping[str, str] = field(default_factory=dict)


def read_table(source: object) -> Table:
    """The table in a file, a dict of columns, or a dataframe.

    Use it for tables that are not runs, such as points to forecast at; `read_runs` for runs.
    `source` is the path of a CSV, Parquet or JSON-lines file, a dict of columns of one length,
    a pandas frame, anything with Arrow's C stream (polars, pyarrow, duckdb), or "embedded" for
    the ladder that comes with the package. Numbers and booleans come as floats (NaN where
    missing), everything else as text (None where missing).
    Refused: what cannot be read, in one sentence with the row where there is one.

    >>> read_table({"params": [10, 20], "note": ["a", None]}).columns["params"].tolist()
    [10.0, 20.0]
    """
    if isinstance(source, str) and source == EMBEDDED:
        return replace(_table(embedded_columns(), NAME), conventions=embedded_conventions())
    if isinstance(source, (str, Path)):
        return _from_file(Path(source))
    if isinstance(source, Mapping):
        return _table({str(name): as_column(str(name), values) for name, values in source.items()}, "the dict given")
    if type(source).__module__.partition(".")[0] == "pandas":
        return _from_pandas(source)
    if hasattr(source, "__arrow_c_stream__"):
        return _from_arrow(source)
    kind = type(source).__name__
    raise Refused("not-a-table", f"a {kind} is not a table", mend="give a path, a dict of columns or a dataframe")


def _from_file(path: Path) -> Table:
    readers = {".csv": read_csv, ".jsonl": read_jsonl, ".ndjson": read_jsonl}
    suffix = path.suffix.lower()
    contents = _contents(path)
    if suffix == ".parquet":
        return _table(_parquet(contents, str(path)), str(path))
    if suffix not in readers:
        mend = "give a file that ends in .csv, .parquet or .jsonl"
        raise Refused("unknown-format", f'"{suffix}" is not a kind of table that is read', str(path), mend)
    return _table(readers[suffix](contents, str(path)), str(path))


def _contents(path: Path) -> bytes:
    if path.is_dir():
        raise Refused("a-directory", "a folder was given, not a file", str(path), "name the table's file in it")
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        raise Refused("no-file", "there is no such file", str(path), "check the path") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Refused("unreadable", f"the file cannot be read ({reason})", str(path), "check its permissions") from None
    if not contents.strip():
        raise Refused("empty-file", "the file is empty", str(path), "give a table with a header and rows")
    return contents


def _parquet(contents: bytes, where: str) -> dict[str, Column]:
    import polars as pl

    try:
        frame = pl.read_parquet(contents)
    except (pl.exceptions.PolarsError, OSError):
        raise Refused("not-parquet", "the file is not Parquet", where, "write it again, or name it .csv") from None
    return _from_polars(frame)


def _from_polars(frame: polars.DataFrame) -> dict[str, Column]:
    return {series.name: from_series(series) for series in frame.get_columns()}


def _from_arrow(source: Any) -> Table:
    import polars as pl

    names = getattr(getattr(source, "schema", None), "names", ())
    refuse_twice(names if isinstance(names, (list, tuple)) else (), "the dataframe given")
    try:
        frame = pl.DataFrame(source)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        message = f"the dataframe cannot be read ({str(error).splitlines()[0]})"
        raise Refused("not-a-table", message, mend="give a dict of columns") from None
    return _table(_from_polars(frame), "the dataframe given")


def _from_pandas(source: Any) -> Table:
    names = [str(name) for name in source.columns]
    refuse_twice(names, "the dataframe given")
    columns = {name: as_column(name, source.iloc[:, place].to_numpy()) for place, name in enumerate(names)}
    return _table(columns, "the dataframe given")


def _table(columns: Mapping[str, Column], where: str) -> Table:
    heights = {name: len(column) for name, column in columns.items()}
    if not columns:
        raise Refused("no-columns", "the table has no columns", where, "give named columns")
    first, height = next(iter(heights.items()))
    for name, other in heights.items():
        if other != height:
            message = f"`{name}` has {other} rows and `{first}` has {height}"
            raise Refused("ragged", message, where, "give every column the same number of rows")
    return Table(columns, height, where)
