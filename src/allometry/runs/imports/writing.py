"""Rows of runs as one table on disk, some runs at a time: memory holds a few of them, never all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

import numpy as np

from allometry.notices import Refused
from allometry.runs.imports.choosing import ABOUT, SETTING
from allometry.runs.imports.rows import RunRows
from allometry.runs.sources import Source
from allometry.runs.sources.contract import first_line

if TYPE_CHECKING:
    import polars

SUFFIXES = (".parquet", ".csv")
_ROWS_AT_ONCE = 500_000


def check_out(out: Path, source: Source, text: str) -> None:
    """Refuse a table that cannot be written, or that the next import would read as a run."""
    if out.is_dir() or not os.access(out.absolute().parent, os.W_OK):
        raise Refused("no-folder", "there is no folder to write the table in", str(out), "make it, and name a file")
    if source.prefix == "csv" and out.suffix.lower() == ".csv" and out.absolute().is_relative_to(Path(text).absolute()):
        raise Refused("out-in-source", "the table would stand among the runs", str(out), "write it somewhere else")
    if out.suffix.lower() not in SUFFIXES:
        message = f'"{out.suffix}" is not a kind of table that is written'
        raise Refused("unknown-format", message, str(out), "name a file that ends in .parquet or .csv")


def settings_schema(configs: Iterable[Mapping[str, object]]) -> dict[str, bool]:
    """Every setting of any run, and whether all its values are numbers."""
    found: dict[str, bool] = {}
    for name, value in chain.from_iterable(config.items() for config in configs):
        if value is not None:
            found[name] = found.get(name, True) and isinstance(value, bool | int | float)
    return found


def table_columns(numbers: Sequence[str], settings: Iterable[str]) -> tuple[str, ...]:
    """The columns of a table in their order."""
    return (*(name for name in ABOUT if name not in numbers), *numbers, *(SETTING + name for name in settings))


def write_table(runs: Iterable[RunRows], numbers: Sequence[str], settings: Mapping[str, bool], out: Path) -> int:
    """All rows as Parquet or CSV, whole or not at all; how many there are."""
    import polars as pl

    folder = out.with_name(f".{out.name}.partial")
    rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        pieces, count = list[Path](), 0
        for some in _batches(runs):
            frame = _frame(some, numbers, settings)
            pieces.append(folder / f"{len(pieces):06}.parquet")
            frame.write_parquet(pieces[-1], compression="zstd")
            count += frame.height
        whole, rows = folder / f"whole{out.suffix}", pl.scan_parquet(pieces, glob=False)
        if out.suffix.lower() == ".csv":
            rows.sink_csv(whole)
        else:
            rows.sink_parquet(whole, compression="zstd")
        whole.replace(out)
    except (OSError, pl.exceptions.ComputeError) as error:
        message = f"the table cannot be written ({first_line(error)})"
        raise Refused("not-written", message, str(out), "make room for it: what was read is kept") from None
    finally:
        rmtree(folder, ignore_errors=True)
    return count


def _batches(runs: Iterable[RunRows]) -> Iterator[list[RunRows]]:
    """Runs in their order, so many at a time that memory is enough; one list without any where there are none."""
    batch, count = list[RunRows](), 0
    for run in runs:
        batch.append(run)
        count += len(run)
        if count >= _ROWS_AT_ONCE:
            yield batch
            batch, count = [], 0
    yield batch


def _frame(runs: Sequence[RunRows], numbers: Sequence[str], settings: Mapping[str, bool]) -> polars.DataFrame:
    import polars as pl

    lengths = [len(run) for run in runs]
    owner = pl.Series(np.repeat(np.arange(len(runs)), np.array(lengths, np.int64)), dtype=pl.UInt32)

    def text(name: str, values: Sequence[str | None]) -> polars.Series:
        return pl.Series(name, values, pl.String).gather(owner)

    def same(name: str, values: Sequence[float | None]) -> polars.Series:
        return pl.Series(name, values, pl.Float64).gather(owner)

    columns = [
        text("run_id", [run.run_id for run in runs]),
        text("run_name", [run.about.name for run in runs]),
        text("state", [run.state for run in runs]),
        text("tags", [",".join(run.about.tags) or None for run in runs]),
        *(_numbers(name, runs, lengths) for name in numbers),
    ]
    for name, numeric in settings.items():
        values = [run.about.config.get(name) for run in runs]
        columns.append(
            same(SETTING + name, [None if value is None else float(value) for value in values])  # type: ignore[arg-type]
            if numeric
            else text(SETTING + name, [_written(value) for value in values])
        )
    return pl.DataFrame(columns)


def _numbers(name: str, runs: Sequence[RunRows], lengths: Sequence[int]) -> polars.Series:
    import polars as pl

    parts = [run.numbers.get(name, np.full(length, np.nan)) for run, length in zip(runs, lengths, strict=True)] or [
        np.zeros(0)
    ]
    return pl.Series(name, np.concatenate(parts), pl.Float64)


def _written(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, default=str)
