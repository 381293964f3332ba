"""Where the columns of a pool come from: arrays in memory, NumPy files, and tables that polars reads in streams.

Each source knows its height and the names of its columns, and reads rows in order, never more than it is asked for.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

if TYPE_CHECKING:
    import polars

Column: TypeAlias = NDArray[Any]
_KINDS = "biufUS"


class Source(Protocol):
    """What a pool asks of where its columns are."""

    @property
    def height(self) -> int: ...

    @property
    def names(self) -> Sequence[str]: ...

    def read(self, names: Sequence[str], start: int, rows: int) -> Iterator[Mapping[str, Column]]:
        """The columns from a row on, at most `rows` rows at a time."""
        ...


@dataclass(frozen=True, eq=False)
class Arrays:
    """Columns in memory."""

    columns: Mapping[str, Column]

    @property
    def height(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def names(self) -> Sequence[str]:
        return tuple(self.columns)

    def digest(self) -> str:
        """A fingerprint of the contents."""
        held = hashlib.sha256()
        for name, column in self.columns.items():
            held.update(f"{name} {column.dtype} {column.shape}".encode())
            held.update(np.ascontiguousarray(column).data)
        return held.hexdigest()

    def read(self, names: Sequence[str], start: int, rows: int) -> Iterator[Mapping[str, Column]]:
        for begin in range(start, self.height, rows):
            yield {name: self.columns[name][begin : begin + rows] for name in names}


@dataclass(frozen=True)
class NumpyFile:
    """One array of a .npy file, or of a member of a .npz: read by its bytes in order, so that only a batch is held."""

    path: Path
    member: str | None
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def height(self) -> int:
        return self.shape[0]

    @property
    def names(self) -> Sequence[str]:
        return (self.name,)

    def read(self, names: Sequence[str], start: int, rows: int) -> Iterator[Mapping[str, Column]]:
        each = self.dtype.itemsize * math.prod(self.shape[1:])
        with _opened(self.path, self.member) as file:
            _header(file)
            file.seek(start * each, 1)
            for begin in range(start, self.height, rows):
                count = min(rows, self.height - begin)
                contents = file.read(count * each)
                if len(contents) < count * each:
                    mend = "write the file again"
                    raise Refused("cut-short", f"the array ends before row {begin + count}", str(self.path), mend)
                yield {self.name: np.frombuffer(contents, self.dtype).reshape(count, *self.shape[1:])}


@dataclass(frozen=True, eq=False)
class Frame:
    """A table of one or several files, by polars' streaming engine."""

    lazy: polars.LazyFrame
    where: str
    height: int
    names: Sequence[str]
    paths: Sequence[Path]

    def read(self, names: Sequence[str], start: int, rows: int) -> Iterator[Mapping[str, Column]]:
        import polars as pl

        part = self.lazy.select(names).slice(start)
        row = start
        try:
            for frame in part.collect_batches(chunk_size=rows, maintain_order=True):
                # a batch may be larger than asked for where the file's own row groups are
                for piece in frame.iter_slices(rows):
                    yield {name: _numbers(piece[name], row, self.where) for name in names}
                    row += len(piece)
        except pl.exceptions.PolarsError as error:
            raise _unreadable(error, self.where) from None


def open_numpy(path: Path, name: str) -> list[NumpyFile]:
    """The array of a .npy file under this name, or all arrays of a .npz under their own."""
    members = [None] if path.suffix == ".npy" else _members(path)
    return [_described(path, member, name if member is None else member.removesuffix(".npy")) for member in members]


def open_frame(paths: Sequence[Path], where: str) -> Frame:
    """The table of Parquet, CSV or JSON-lines files of one kind."""
    import polars as pl

    scans = {".parquet": pl.scan_parquet, ".csv": pl.scan_csv, ".jsonl": pl.scan_ndjson, ".ndjson": pl.scan_ndjson}
    try:
        lazy = scans[paths[0].suffix.lower()](list(paths))  # type: ignore[operator]
        names = tuple(lazy.collect_schema().names())
        height = int(lazy.select(pl.len()).collect(engine="streaming").item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(error, where) from None
    return Frame(lazy, where, height, names, tuple(paths))


def _unreadable(error: Exception, where: str) -> Refused:
    said = (str(error).splitlines() or ["no reason given"])[0]
    return Refused("unreadable", f"the table cannot be read ({said})", where, "write it again, or check its suffix")


def _numbers(series: polars.Series, row: int, where: str) -> Column:
    """A column as an array: numbers and text as they are, lists of one length as rows of a matrix."""
    import polars as pl

    if isinstance(series.dtype, pl.List):
        series = series.list.to_array(_width(series, row, where)) if len(series) else series
    if series.null_count():
        place = row + int(series.is_null().arg_true()[0])
        mend = "fill it, or leave that row out"
        raise Refused("missing-value", f"`{series.name}` is empty in row {place}", where, mend)
    values = series.to_numpy()
    if values.dtype.kind == "O":
        values = _nested(values.tolist(), series.name, row, where)
    if values.dtype.kind not in _KINDS:
        mend = "give numbers, text, or lists of numbers"
        raise Refused("bad-column", f"`{series.name}` holds {series.dtype}", where, mend)
    return cast(Column, values)


def _nested(values: Sequence[Any], name: str, row: int, where: str) -> Column:
    """Lists of lists as an array, refused by the first row that is not shaped like the first."""
    try:
        return np.asarray(values)
    except ValueError:
        shapes = [_shape(value) for value in values]
        place = next(i for i, shape in enumerate(shapes) if shape is None or shape != shapes[0])
        message = f"`{name}` has lists of other lengths in row {row + place}"
        raise Refused("ragged", message, where, "give every row as many, and every list in it") from None


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(value)
    except ValueError:
        return None


def _width(series: polars.Series, row: int, where: str) -> int:
    lengths = series.list.len().fill_null(0).to_numpy()
    other = np.flatnonzero(lengths != lengths[0])
    if len(other):
        place = int(other[0])
        message = f"`{series.name}` has {lengths[place]} numbers in row {row + place} and {lengths[0]} in row {row}"
        raise Refused("ragged", message, where, "give every row as many")
    return int(lengths[0])


def _members(path: Path) -> list[str | None]:
    try:
        with zipfile.ZipFile(path) as archive:
            found: list[str | None] = [name for name in archive.namelist() if name.endswith(".npy")]
    except (zipfile.BadZipFile, OSError):
        raise Refused("not-numpy", "the file is no .npz archive", str(path), "write it with numpy.savez") from None
    if not found:
        raise Refused("not-numpy", "the archive holds no array", str(path), "write it with numpy.savez")
    return found


def _described(path: Path, member: str | None, name: str) -> NumpyFile:
    try:
        with _opened(path, member) as file:
            shape, by_columns, dtype = _header(file)
    except (ValueError, OSError):
        raise Refused("not-numpy", "the file is no NumPy array", str(path), "write it with numpy.save") from None
    if dtype.kind not in _KINDS or not shape or (by_columns and len(shape) > 1):
        mend = "save a C-ordered array of numbers or text, a row an example"
        raise Refused("bad-array", f"`{name}` is {dtype} of shape {shape}", str(path), mend)
    return NumpyFile(path, member, name, shape, dtype)


def _opened(path: Path, member: str | None) -> BinaryIO:
    if member is None:
        return path.open("rb")
    return cast(BinaryIO, zipfile.ZipFile(path).open(member))


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    return shape, by_columns, dtype
