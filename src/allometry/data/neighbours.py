"""Nearest neighbours in a pool's embeddings: an HNSW graph where usearch is at hand, exact search where the pool is small.

An approximate answer without its recall is a guess, so every index measures its own, against exact search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from allometry.data.pools import EMBEDDINGS, Pool, drawn_rows
from allometry.data.pruning.clustering import directions
from allometry.notices import Interval, Refused

__all__ = ["Neighbours", "Settings", "neighbours"]

Vectors: TypeAlias = NDArray[np.floating[Any]]
Rows: TypeAlias = NDArray[np.int64]

EXACT = 20_000  # rows up to which every pair is compared: at 64 numbers a row a few seconds on one core
QUERIES = 200  # rows that recall is measured on


@dataclass(frozen=True)
class Settings:
    """Of the graph: links a node, candidates kept when adding and when searching, and `threads` (0: one a core).

    With one thread the graph is the same each time; several build it sooner, and each time another.
    """

    connectivity: int = 16
    expansion_add: int = 128
    expansion_search: int = 64
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The `count` nearest other rows of each row by cosine, nearest first.

    `rows` (n, count) and `distances` (n, count), 1 - cosine; `method` "exact" or "hnsw"; `recall` the share of the true
    neighbours found, measured on `queries` rows with an interval over them (1 without one where exact); `computed` the distances that
    one query took, on average.
    """

    rows: Rows
    distances: NDArray[np.float32]
    method: str
    recall: Interval
    queries: int
    computed: float


def neighbours(
    pool: Pool, count: int, *, settings: Settings | None = None, exact: bool | None = None, seed: int = 0, level: float = 0.9,
    tick: Callable[[int], None] = lambda rows: None,
) -> Neighbours:  # fmt: skip
    """The nearest other examples of each example of a pool, by the cosine of their embeddings.

    Use it to find near-duplicates and isolated examples. The graph of the approximate search holds a copy of all
    embeddings, so that pools must fit in memory here, unlike those that are scored.

    Arguments: `count` neighbours a row; `exact` True compares all pairs, False asks for the graph, None chooses by
    the pool's height (exact up to 20,000 rows); `settings` of the graph; `tick` is told the rows as they are done.
    Errors: `Refused` for more neighbours than other rows, for embeddings that are no finite vectors, and without usearch
    where the graph is needed.
    Source: Malkov and Yashunin 2016, arXiv 1603.09320, as usearch has it.

    >>> from allometry.data.pools import open_pool
    >>> near = neighbours(open_pool({"embeddings": [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]}), 1)
    >>> near.rows.ravel().tolist(), near.method, near.recall.value
    ([1, 0, 1], 'exact', 1.0)
    """
    if not 1 <= count < pool.height:
        mend = f"ask for 1 to {pool.height - 1}"
        raise Refused("bad-count", f"{count} other rows cannot be near in a pool of {pool.height}", pool.where, mend)
    if exact or (exact is None and pool.height <= EXACT):
        found, distances = _exact(pool, np.arange(pool.height), count, tick)
        return Neighbours(
            found, distances, "exact", Interval(1.0, why="all pairs were compared"), 0, float(pool.height)
        )
    settings = settings or Settings()
    index = _graph(pool, settings)
    found, distances, computed = _searched(pool, index, count, settings.threads, tick)
    asked = drawn_rows(pool.height, QUERIES, seed)
    truth, _ = _exact(pool, asked, count, lambda rows: None)
    return Neighbours(found, distances, "hnsw", _recall(found[asked], truth, level), len(asked), computed)


def _recall(found: Rows, truth: Rows, level: float) -> Interval:
    """The share of true neighbours found, with Jeffreys' interval for as many draws as there are queries.

    Neighbours of one query are found or missed together, so that queries are counted, not pairs: wider, never narrower.
    """
    share = float(np.mean([np.isin(row, own).mean() for row, own in zip(truth, found, strict=True)]))
    hits, misses, tail = share * len(truth), (1 - share) * len(truth), (1 - level) / 2
    low, high = (float(betaincinv(hits + 0.5, misses + 0.5, q)) for q in (tail, 1 - tail))
    return Interval(share, min(low, share), max(high, share))


def _exact(pool: Pool, asked: Rows, count: int, tick: Callable[[int], None]) -> tuple[Rows, NDArray[np.float32]]:
    """The nearest of every row to those asked, the pool read a batch at a time."""
    wanted = np.concatenate([
        batch[EMBEDDINGS][asked[(asked >= batch.start) & (asked < batch.start + len(batch))] - batch.start]
        for batch in pool.batches([EMBEDDINGS])
    ])  # fmt: skip
    wanted = directions(wanted, 0, pool.where)
    best = np.full((len(asked), count), np.inf, dtype=np.float32)
    rows = np.full((len(asked), count), -1)
    for batch in pool.batches([EMBEDDINGS], rows=2048):
        unit = directions(batch[EMBEDDINGS], batch.start, pool.where)
        for start in range(0, len(asked), 2048):
            part = slice(start, start + 2048)
            _closer(best[part], rows[part], 1 - wanted[part] @ unit.T, batch.start, asked[part])
        tick(len(batch))
    return rows, best


def _closer(best: NDArray[np.float32], rows: Rows, distance: Vectors, start: int, asked: Rows) -> None:
    """Put what is nearer than the best so far in its place, ties by row; a row is no neighbour of itself."""
    own = asked - start
    inside = np.flatnonzero((own >= 0) & (own < distance.shape[1]))
    distance[inside, own[inside]] = np.inf
    count = best.shape[1]
    both = np.concatenate([best, distance.astype(np.float32)], axis=1)
    numbers = np.concatenate(
        [rows, np.broadcast_to(np.arange(start, start + distance.shape[1]), distance.shape)], axis=1
    )
    near = np.argpartition(both, count - 1, axis=1)[:, :count]
    order = np.lexsort((np.take_along_axis(numbers, near, 1), np.take_along_axis(both, near, 1)), axis=1)
    near = np.take_along_axis(near, order, 1)
    best[:], rows[:] = np.take_along_axis(both, near, 1), np.take_along_axis(numbers, near, 1)


def _graph(pool: Pool, settings: Settings) -> Any:
    try:
        from usearch.index import Index
    except ImportError:
        message = f"nearest neighbours among {pool.height} rows need usearch"
        raise Refused("extra-needed", message, mend="pip install 'allometry[neighbours]'") from None
    index: Any = None
    for batch in pool.batches([EMBEDDINGS]):
        unit = directions(batch[EMBEDDINGS], batch.start, pool.where).astype(np.float32, copy=False)
        if index is None:
            index = Index(ndim=unit.shape[1], metric="cos", dtype="f32", connectivity=settings.connectivity,
                          expansion_add=settings.expansion_add, expansion_search=settings.expansion_search)  # fmt: skip
        index.add(np.arange(batch.start, batch.start + len(batch)), unit, threads=settings.threads)
    return index


def _searched(
    pool: Pool, index: Any, count: int, threads: int, tick: Callable[[int], None]
) -> tuple[Rows, NDArray[np.float32], float]:
    parts, computed = [], 0
    for batch in pool.batches([EMBEDDINGS]):
        unit = directions(batch[EMBEDDINGS], batch.start, pool.where).astype(np.float32, copy=False)
        matches = index.search(unit, count + 1, threads=threads)
        keys, distances = matches.keys.astype(np.int64), matches.distances.astype(np.float32)
        # The row itself comes first, or where it has twins not at all: then the farthest goes.
        own = keys == np.arange(batch.start, batch.start + len(batch))[:, None]
        own[~own.any(axis=1), -1] = True
        parts.append((keys[~own].reshape(-1, count), distances[~own].reshape(-1, count)))
        computed += matches.computed_distances
        tick(len(batch))
    keys, distances = (np.concatenate(part) for part in zip(*parts, strict=True))
    return keys, distances, computed / pool.height
