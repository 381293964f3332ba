"""Scores of a pool, in one streaming pass, kept in parts so that a killed pass goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.data.pools import BATCH, Batch, Pool
from allometry.data.pools.batch import numbers
from allometry.data.pools.sources import Arrays
from allometry.data.pruning.metric import Metric, ScoreSettings, State, find_metric
from allometry.notices import Refused

Scores: TypeAlias = NDArray[np.float64]
Tick: TypeAlias = Callable[[int], None]

PART = 16 * BATCH  # rows of a part, 1,048,576: 8 MiB of scores, and at most so many are lost by a kill
FORMAT = 1
_WRITTEN = (".parquet", ".csv", ".npy")


def score(pool: Pool, metric: str, settings: ScoreSettings | None = None, tick: Tick = lambda rows: None) -> Scores:
    """The difficulty (rows,) of every example of a pool: the higher, the harder.

    Use it where the scores fit in memory, eight bytes an example; embeddings and the like are read by the batch.
    `score_to_file` keeps what a kill would lose.

    Arguments: `metric` a name of `list_metrics()`; `tick` is told the rows as they are done.
    Errors: `Refused` for columns that are not there or hold what the metric cannot use, by row.

    >>> from allometry.data.pools import open_pool
    >>> pool = open_pool({"probabilities": [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], "label": [0, 0, 0]})
    >>> score(pool, "margin").round(2).tolist()
    [-0.8, -0.2, 0.6]
    """
    settings, found = settings or ScoreSettings(), find_metric(metric)
    pool.need(list(found.columns), f"the metric {metric}")
    state = found.prepare(pool, settings) if found.prepare else {}
    parts = []
    for part in _scored(pool, found, state, settings, 0):
        parts.append(part)
        tick(len(part))
    return np.concatenate(parts)


@dataclass(frozen=True)
class Scored:
    """What `score_to_file` wrote: where, how many rows, and how many of them an earlier call had scored."""

    path: Path
    rows: int
    resumed: int


def score_to_file(
    pool: Pool, metric: str, out: str | Path, settings: ScoreSettings | None = None, tick: Tick = lambda rows: None
) -> Scored:
    """The scores of a pool as a table of `row` and `score`, or as an array where `out` ends in .npy.

    Use it for pools that take long: what is scored is kept beside `out` in OUT.parts and a call with the same pool,
    metric and settings goes on from there. The table itself appears whole or not at all.

    Errors: `Refused` as for `score`, and for an `out` of another kind, in a folder that is not there, or that the pool is
    read from.
    """
    out, settings = Path(out), settings or ScoreSettings()
    check_written(out, *pool.files)
    folder = parts_of(out)
    scores, resumed = score_in_parts(pool, metric, folder, settings, tick)
    write_scores(out, scores)
    shutil.rmtree(folder)
    return Scored(out, pool.height, resumed)


def parts_of(out: Path) -> Path:
    """The folder beside an answer where the scores that it needs are kept until it is written."""
    return out.with_name(out.name + ".parts")


def score_in_parts(
    pool: Pool, metric: str, folder: Path, settings: ScoreSettings, tick: Tick = lambda rows: None
) -> tuple[Scores, int]:
    """The scores by way of parts in a folder, and how many were there; who asked removes it once it needs them no more.

    Use it where more is to be done before anything is written. A killed call with the same pool, metric and settings
    goes on from the last whole part. Errors: `Refused` as for `score`, and for a folder that holds other files.
    """
    found = find_metric(metric)
    pool.need(list(found.columns), f"the metric {metric}")
    _claim(folder, _job(pool, metric, settings))
    resumed = sum(len(_load(path)) for path in _parts(folder))
    tick(resumed)
    try:
        _score_rest(pool, found, settings, folder, resumed, tick)
    except Refused:
        shutil.rmtree(folder)  # of a pool that has to be mended nothing is kept
        raise
    return np.concatenate([_load(path) for path in _parts(folder)]), resumed


def _score_rest(pool: Pool, metric: Metric, settings: ScoreSettings, folder: Path, done: int, tick: Tick) -> None:
    if done == pool.height:
        return
    state = _state(folder, metric, pool, settings)
    for part in _grouped(_scored(pool, metric, state, settings, done), tick):
        _save(folder / f"{done:015d}.npy", part)
        done += len(part)


def write_scores(out: Path, scores: Scores, rows: NDArray[np.int64] | None = None) -> None:
    """A table of `row` and `score`, or with .npy the scores alone (of some `rows`: those), whole or not at all."""
    import polars as pl

    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        if out.suffix == ".npy":
            with partial.open("wb") as file:
                np.save(file, scores if rows is None else rows)
        else:
            frame = pl.DataFrame({"row": np.arange(len(scores)) if rows is None else rows, "score": scores})
            frame.write_parquet(partial) if out.suffix == ".parquet" else frame.write_csv(partial)
        partial.replace(out)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise Refused(
            "cannot-write", f"the file cannot be written: {error.strerror}", str(out), "choose a folder that exists"
        ) from None


def read_scores(pool_or_file: str | Path) -> Scores:
    """Scores that `score_to_file` or anyone wrote: a column `score` of a table in the order of rows, or a .npy array."""
    from allometry.data.pools import open_pool

    path = Path(pool_or_file)
    pool = open_pool(path)
    name = pool.names[0] if path.suffix == ".npy" else "score"
    pool.need([name], "pruning")
    found = np.asarray(numbers(pool.column(name), name, 0, str(path)), dtype=np.float64)
    if found.ndim != 1:
        raise Refused("bad-scores", "the scores are vectors", str(path), "give one number an example")
    if pool.has("row") and not np.array_equal(pool.column("row"), np.arange(len(found))):
        mend = "give a score for each row, in their order"
        raise Refused("bad-scores", "the rows of the scores are not all rows in order", str(path), mend)
    return found


def check_written(out: Path, *inputs: str | Path) -> None:
    """Refuse, before anything is computed, a table of scores that could not be written or would replace an input."""
    if out.suffix not in _WRITTEN:
        raise Refused(
            "unknown-format",
            f'"{out.suffix}" is not a kind of file that is written',
            str(out),
            f"end it in {', '.join(_WRITTEN)}",
        )
    check_apart(out, *inputs)


def check_apart(out: Path, *inputs: str | Path) -> None:
    """Refuse an answer in a folder that is not there, or that would take the place of an input.

    `inputs` are files and folders that are read; what is no path of a file is passed over.
    """
    if not out.parent.is_dir():
        raise Refused("no-folder", "there is no such folder", str(out.parent), "make it, or choose another")
    for given in map(Path, inputs):
        if given.exists() and out.exists() and out.samefile(given):
            raise Refused(
                "overwrites-input", "the answer would overwrite what it is read from", str(out), "choose another file"
            )
        if given.is_dir() and given.resolve() in out.resolve().parents:
            mend = "choose a file outside it"
            raise Refused("overwrites-input", "the answer would become part of the pool's folder", str(out), mend)


def _scored(pool: Pool, metric: Metric, state: State, settings: ScoreSettings, start: int) -> Iterator[Scores]:
    """The scores of each batch from a row on."""
    for batch in _batches(pool, metric, start):
        for name, holds in metric.columns.items():
            numbers(batch[name], pool.map.get(name, name), batch.start, pool.where, holds)
        found = np.asarray(metric.score(batch, state, settings), dtype=np.float64)
        if found.shape != (len(batch),):
            mend = f"give one number an example in {', '.join(metric.columns)}"
            raise Refused(
                "bad-scores", f"the rows from {batch.start} have scores of shape {found.shape}", pool.where, mend
            )
        yield found


def _batches(pool: Pool, metric: Metric, start: int) -> Iterator[Batch]:
    if metric.columns:
        yield from pool.batches(list(metric.columns), start=start)
        return
    for row in range(start, pool.height, BATCH):
        yield Batch(row, {"row": np.arange(row, min(row + BATCH, pool.height))})


def _grouped(batches: Iterator[Scores], tick: Tick) -> Iterator[Scores]:
    held: list[Scores] = []
    for scores in batches:
        held.append(scores)
        tick(len(scores))
        if sum(map(len, held)) >= PART:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def _job(pool: Pool, metric: str, settings: ScoreSettings) -> str:
    """What the scores follow from: files by size and time, as they may be too long to read for this; arrays by content."""
    files = [file for path in pool.files for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    stamps = [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    held = [source.digest() for source in pool.sources if isinstance(source, Arrays)]
    about = [FORMAT, metric, asdict(settings), pool.height, dict(pool.map), stamps, held]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _claim(folder: Path, job: str) -> None:
    """Make the folder of parts for this job, without what another job left there."""
    named = folder / "job"
    if folder.is_dir() and not named.is_file() and any(folder.iterdir()):
        raise Refused("not-ours", "the folder for parts holds other files", str(folder), "choose another --out")
    if named.is_file() and named.read_text() != job:
        shutil.rmtree(folder)
    try:
        folder.mkdir(exist_ok=True)
        named.write_text(job)
    except OSError as error:
        mend = "choose a folder that can be written to"
        raise Refused("cannot-write", f"the scores cannot be kept: {error.strerror}", str(folder), mend) from None


def _state(folder: Path, metric: Metric, pool: Pool, settings: ScoreSettings) -> State:
    """What the metric prepared, from an earlier call where it ended."""
    path = folder / "state.npz"
    if metric.prepare is None:
        return {}
    if not path.exists():
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **metric.prepare(pool, settings))
        partial.replace(path)
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.npy"))


def _load(path: Path) -> Scores:
    return np.load(path, allow_pickle=False)


def _save(path: Path, scores: Scores) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, scores)
    partial.replace(path)
