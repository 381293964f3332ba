"""A pool of examples: a table, perhaps embeddings beside it, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allometry.axes import nearest_names
from allometry.data.pools.batch import Batch, Column, checked
from allometry.data.pools.sources import Arrays, NumpyFile, Source, open_frame, open_numpy
from allometry.notices import Refused

BATCH = 1 << 16  # rows held at once, assumed: 16 MiB of 64 numbers each
EMBEDDINGS = "embeddings"
_TABLES = (".parquet", ".csv", ".jsonl", ".ndjson")
_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True, eq=False)
class Pool:
    """Examples by row, each column where it is. `map` gives the pool's own column for a name that is asked for."""

    where: str
    sources: Sequence[Source]
    map: Mapping[str, str] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return self.sources[0].height

    @property
    def names(self) -> tuple[str, ...]:
        """The columns as the pool has them."""
        return tuple(name for source in self.sources for name in source.names)

    @property
    def files(self) -> tuple[Path, ...]:
        """The file or folder of the table and those of arrays: what must not be written to; none of arrays in memory."""
        given = [Path(self.where), *(source.path for source in self.sources if isinstance(source, NumpyFile))]
        return tuple(dict.fromkeys(path for path in given if path.exists()))

    def has(self, name: str) -> bool:
        return self.map.get(name, name) in self.names

    def need(self, names: Sequence[str], what: str) -> None:
        """Refuse, with the nearest names, what is not there."""
        for name in names:
            own = self.map.get(name, name)
            if own not in self.names:
                near = ", ".join(f"`{other}`" for other in nearest_names(own, self.names))
                mend = f"name the column that holds it, --map {name}=COLUMN; nearest: {near}"
                raise Refused("no-column", f"{what} needs a column `{own}`, which the pool lacks", self.where, mend)

    def batches(self, names: Sequence[str], rows: int = BATCH, start: int = 0) -> Iterator[Batch]:
        """The columns, `rows` at a time from row `start` on, with numbers that are not finite refused."""
        self.need(names, "this")
        streams = [
            _of(source, wanted, start, rows) for source in self.sources if (wanted := self._in(source, names))
        ]  # fmt: skip
        row, own = start, {name: self.map.get(name, name) for name in names}
        for parts in _in_step(streams):
            found = {name: column for part in parts for name, column in part.items()}
            batch = {name: checked(found[own[name]], own[name], row, self.where) for name in names}
            yield Batch(row, batch)
            row += len(batch[names[0]])

    def column(self, name: str) -> Column:
        """One column whole: for labels and scores, not for embeddings."""
        parts = [batch[name] for batch in self.batches([name])]
        return np.concatenate(parts) if parts else np.empty(0)

    def sample(self, name: str, count: int, seed: int) -> Column:
        """A column at `count` rows drawn without replacement, in their order, by one pass over it."""
        rows = drawn_rows(self.height, count, seed)
        parts = []
        for batch in self.batches([name]):
            inside = rows[np.searchsorted(rows, batch.start) : np.searchsorted(rows, batch.start + len(batch))]
            parts.append(batch[name][inside - batch.start])
        return np.concatenate(parts)

    def _in(self, source: Source, names: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(own for name in names if (own := self.map.get(name, name)) in source.names))


def open_pool(
    source: str | Path | Mapping[str, object],
    embeddings: str | Path | None = None,
    map: Mapping[str, str] | None = None,
) -> Pool:
    """A pool of examples, opened and not read.

    Use it for anything whose examples are rows: a file is read in batches each time it is asked, so that it need not
    fit in memory.

    Arguments: `source` a Parquet, CSV, JSON-lines, .npy or .npz file, a folder of files of one of the first three
    kinds (in the order of their names), or a dict of arrays; `embeddings` the column that holds them (lists of one
    length), or a .npy or .npz file beside the table, a row an example; `map` {name: the pool's own column}.
    Errors: `Refused` for files that are not there or not of such a kind, and for columns that are not of one height.

    >>> pool = open_pool({"label": ["a", "b", "a"], "loss": [0.1, 2.0, 0.3]})
    >>> pool.height, [batch["loss"].tolist() for batch in pool.batches(["loss"], rows=2)]
    (3, [[0.1, 2.0], [0.3]])
    """
    sources: list[Source] = [*_opened(source)]
    mapping = dict(map or {})
    if embeddings is not None:
        if Path(embeddings).suffix in _ARRAYS:
            beside = open_numpy(_file(Path(embeddings)), EMBEDDINGS)
            if len(beside) > 1:
                mend = "keep the embeddings in a file of their own"
                raise Refused("several-arrays", f"the archive holds {len(beside)} arrays", str(embeddings), mend)
            sources.append(beside[0])
            mapping[EMBEDDINGS] = beside[0].name
        else:
            mapping[EMBEDDINGS] = str(embeddings)
    where = "the arrays given" if isinstance(source, Mapping) else str(source)
    _check(sources, where)
    return Pool(where, sources, mapping)


def drawn_rows(height: int, count: int, seed: int) -> NDArray[np.int64]:
    """Sorted rows drawn without replacement; all where there are no more."""
    if count >= height:
        return np.arange(height)
    return np.sort(np.random.default_rng(seed).choice(height, count, replace=False, shuffle=False))


def _opened(source: str | Path | Mapping[str, object]) -> Sequence[Source]:
    if isinstance(source, Mapping):
        return [Arrays({name: _array(name, values) for name, values in source.items()})] if source else []
    path = Path(source)
    if path.is_dir():
        parts = sorted(part for part in path.iterdir() if part.suffix.lower() in _TABLES)
        if not parts or len({part.suffix.lower() for part in parts}) > 1:
            mend = f"give a folder of files that all end in one of {', '.join(_TABLES)}"
            raise Refused(
                "bad-folder", f"the folder holds {'files of several kinds' if parts else 'no table'}", str(path), mend
            )
        return [open_frame(parts, str(path))]
    if path.suffix.lower() in _ARRAYS:
        return open_numpy(_file(path), EMBEDDINGS)
    if path.suffix.lower() in _TABLES:
        return [open_frame([_file(path)], str(path))]
    mend = f"give a file that ends in {', '.join((*_TABLES, *_ARRAYS))}"
    raise Refused("unknown-format", f'"{path.suffix}" is not a kind of pool that is read', str(path), mend)


def _file(path: Path) -> Path:
    if not path.is_file():
        raise Refused("no-file", "there is no such file", str(path), "check the path")
    return path


def _array(name: str, values: object) -> Column:
    try:
        found = np.asarray(values)
    except ValueError:
        raise Refused("ragged", f"`{name}` has rows of different lengths", mend="give every row as many") from None
    if not found.ndim or found.dtype.kind not in "biufUS":
        raise Refused("bad-column", f"`{name}` is no column of numbers or text", mend="give a value or vector a row")
    return found


def _check(sources: Sequence[Source], where: str) -> None:
    if not sources or not any(source.names for source in sources):
        raise Refused("no-columns", "the pool has no columns", where, "give named columns")
    names = [name for source in sources for name in source.names]
    for name in names:
        if names.count(name) > 1:
            mend = "give it once, in the table or beside it"
            raise Refused("column-twice", f"`{name}` is in the pool twice", where, mend)
    heights = {source.names[0]: source.height for source in sources}
    for source in sources:
        if isinstance(source, Arrays):
            heights |= {name: len(column) for name, column in source.columns.items()}
    first, height = next(iter(heights.items()))
    for name, other in heights.items():
        if other != height:
            message = f"`{name}` has {other} rows and `{first}` has {height}"
            raise Refused("ragged", message, where, "give every column the same number of rows")
    if not height:
        raise Refused("empty-pool", "the pool has no rows", where, "give a row an example")


def _of(source: Source, names: list[str], start: int, rows: int) -> Iterator[dict[str, Column]]:
    for part in source.read(names, start, rows):
        yield dict(part)


def _in_step(streams: Sequence[Iterator[dict[str, Column]]]) -> Iterator[tuple[dict[str, Column], ...]]:
    """Parts of all streams with as many rows each: what is left of a longer part waits for the next."""
    held: list[dict[str, Column]] = [{} for _ in streams]
    while True:
        for place, stream in enumerate(streams):
            if not _rows(held[place]):
                part = next(stream, None)
                if part is None:
                    return
                held[place] = part
        count = min(map(_rows, held))
        yield tuple({name: column[:count] for name, column in part.items()} for part in held)
        held = [{name: column[count:] for name, column in part.items()} for part in held]


def _rows(part: dict[str, Column]) -> int:
    return len(next(iter(part.values()), ()))
