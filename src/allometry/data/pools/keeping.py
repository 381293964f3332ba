"""Some rows of a pool as a file of the pool's own kind, by the batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.data.pools.pool import BATCH, Pool
from allometry.data.pools.sources import Frame, NumpyFile
from allometry.notices import Refused

if TYPE_CHECKING:
    import polars

Rows: TypeAlias = NDArray[np.int64]
Tick: TypeAlias = Callable[[int], None]
_SAME = {".ndjson": ".jsonl"}
_PIECE = 1 << 23  # bytes of the table read and written at a time: rows may be whole documents
_LOOK = 1024  # rows from which their size is told


def write_rows(pool: Pool, rows: Rows, out: str | Path, tick: Tick = lambda rows: None) -> None:
    """Write the examples at sorted `rows` with all columns of the pool's table, whole or not at all.

    Use it for what `prune` keeps. The file is of the pool's own kind, so that nothing is converted: lines of JSON are
    copied as they are, fields of CSV stay the text they were, Parquet keeps its types. A folder becomes one file.
    Embeddings in a file beside the table are not written. Never more than a few batches are held.

    Arguments: `tick` is told the rows of the pool as they are passed.
    Errors: `Refused` for pools that are no file of one table or array, another kind of `out`, and a pool that has
    another number of rows than when it was opened.

    >>> import tempfile
    >>> from allometry.data.pools import open_pool
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pool.jsonl"
    ...     _ = path.write_text('{"text": "a"}\\n{"text": "b"}\\n{"text": "c"}\\n')
    ...     write_rows(open_pool(path), np.array([0, 2]), Path(folder) / "kept.jsonl")
    ...     (Path(folder) / "kept.jsonl").read_text()
    '{"text": "a"}\\n{"text": "c"}\\n'
    """
    out = Path(out)
    kind = check_kind(pool, out)
    mask = np.zeros(pool.height, dtype=bool)
    mask[rows] = True
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        passed = _WRITERS[kind](pool.sources[0], mask, partial, tick)
        if passed != pool.height:
            raise Refused("pool-changed", f"the pool has {passed} rows, and had {pool.height} when it was opened", pool.where,
                          "let nothing write to it meanwhile, and ask again")  # fmt: skip
        partial.replace(out)
    except _failures() as error:
        said = getattr(error, "strerror", None) or (str(error).splitlines() or ["no reason given"])[0]
        raise Refused("cannot-write", f"the kept examples cannot be written: {said}", str(out),
                      "choose a folder with room for them") from None  # fmt: skip
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def check_kind(pool: Pool, out: Path) -> str:
    """The kind of file that rows of this pool are written as; Refused where `out` is another or the pool is no one file."""
    source, suffix = pool.sources[0], ""
    if isinstance(source, Frame):
        suffix = source.paths[0].suffix.lower()
    elif isinstance(source, NumpyFile) and source.member is None:
        suffix = ".npy"
    kind = _SAME.get(suffix, suffix)
    if not kind:
        raise Refused("no-table", "rows are written of tables and of .npy files only", pool.where,
                      "take the rows that are kept from your arrays")  # fmt: skip
    if _SAME.get(out.suffix.lower(), out.suffix.lower()) != kind:
        raise Refused("other-kind", f"rows of a {suffix} pool are not written as {out.suffix or 'a file without suffix'}",
                      str(out), f"end it in {suffix}")  # fmt: skip
    return kind


def _failures() -> tuple[type[Exception], ...]:
    import polars as pl

    return (OSError, pl.exceptions.PolarsError)


def _parquet(source: Frame, mask: NDArray[np.bool_], out: Path, tick: Tick) -> int:
    from polars.io.plugins import register_io_source

    passed, rows = 0, _rows_of(source.lazy)

    def kept(columns: Any, predicate: Any, count: int | None, size: int | None) -> Iterator[polars.DataFrame]:
        nonlocal passed
        for frame in _kept(source.lazy, rows, mask, tick):
            passed += frame[0]
            yield frame[1]

    register_io_source(kept, schema=source.lazy.collect_schema()).sink_parquet(out, row_group_size=rows)
    return passed


def _csv(source: Frame, mask: NDArray[np.bool_], out: Path, tick: Tick) -> int:
    import polars as pl

    passed, lazy = 0, pl.scan_csv(list(source.paths), infer_schema=False)
    with out.open("wb") as file:
        for count, frame in _kept(lazy, _rows_of(lazy), mask, tick):
            frame.write_csv(file, include_header=not passed)
            passed += count
    return passed


def _rows_of(lazy: polars.LazyFrame) -> int:
    """How many rows make a piece."""
    first = lazy.head(_LOOK).collect(engine="streaming")
    return int(np.clip(_PIECE * max(len(first), 1) / max(first.estimated_size(), 1), 1, BATCH))


def _kept(
    lazy: polars.LazyFrame, rows: int, mask: NDArray[np.bool_], tick: Tick
) -> Iterator[tuple[int, polars.DataFrame]]:
    """Of each batch how many rows it has, and those that are kept."""
    import polars as pl

    row = 0
    for frame in lazy.collect_batches(chunk_size=rows, maintain_order=True):
        own = np.zeros(len(frame), dtype=bool)  # of a pool that has grown the rest is not kept, and it is told
        known = mask[row : row + len(frame)]
        own[: len(known)] = known
        yield len(frame), frame.filter(pl.Series(own))
        row += len(frame)
        tick(len(frame))


def _jsonl(source: Frame, mask: NDArray[np.bool_], out: Path, tick: Tick) -> int:
    row = 0
    with out.open("wb") as file:
        for line in _lines(source.paths):
            if row < len(mask) and mask[row]:
                file.write(line.rstrip(b"\r\n") + b"\n")
            row += 1
            if not row % BATCH:
                tick(BATCH)
    tick(row % BATCH)
    return row


def _lines(paths: Sequence[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())


def _npy(source: NumpyFile, mask: NDArray[np.bool_], out: Path, tick: Tick) -> int:
    row = 0
    head = {"descr": np.lib.format.dtype_to_descr(source.dtype), "fortran_order": False,
            "shape": (int(mask.sum()), *source.shape[1:])}  # fmt: skip
    with out.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        for part in source.read(source.names, 0, BATCH):
            values = part[source.name]
            file.write(values[mask[row : row + len(values)]].tobytes())
            row += len(values)
            tick(len(values))
    return row


_WRITERS: dict[str, Callable[[Any, NDArray[np.bool_], Path, Tick], int]] = {
    ".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl, ".npy": _npy,
}  # fmt: skip
