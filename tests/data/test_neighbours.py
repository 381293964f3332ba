"""Nearest neighbours: exact ones against all pairs, approximate ones by their recall."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.data import neighbours as module
from allometry.data.neighbours import Settings, neighbours
from allometry.data.pools import open_pool
from allometry.notices import Refused

VECTORS = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)


def brute(vectors: np.ndarray, count: int) -> np.ndarray:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    distance = 1 - unit @ unit.T
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1, kind="stable")[:, :count]


def test_exact_neighbours_are_those_of_all_pairs() -> None:
    found = neighbours(open_pool({"embeddings": VECTORS}), 5)
    assert (found.method, found.recall.value) == ("exact", 1.0)
    assert np.mean(found.rows == brute(VECTORS, 5)) > 0.999  # a tie in single precision may go either way
    assert np.all(np.diff(found.distances, axis=1) >= 0)


def test_duplicates_are_each_others_neighbour() -> None:
    found = neighbours(open_pool({"embeddings": np.concatenate([VECTORS[:50], VECTORS[:50]])}), 1)
    assert found.rows.ravel().tolist() == [*range(50, 100), *range(50)]
    assert found.distances.max() < 1e-6


def test_the_graph_measures_its_recall_and_a_wider_search_finds_more() -> None:
    pytest.importorskip("usearch")
    pool, truth = open_pool({"embeddings": VECTORS}), brute(VECTORS, 10)
    shares = []
    for settings in (Settings(4, 16, 8), Settings(16, 128, 128)):
        found = neighbours(pool, 10, settings=settings, exact=False)
        whole = np.mean([np.isin(row, own).mean() for row, own in zip(truth, found.rows, strict=True)])
        assert found.method == "hnsw"
        assert found.recall.low <= whole <= found.recall.high  # type: ignore[operator]
        assert not np.any(found.rows == np.arange(3000)[:, None])
        assert 10 < found.computed < 3000
        shares.append(found.recall.value)
    assert shares[1] >= 0.95
    assert shares[0] < shares[1]


def test_without_usearch_a_large_pool_is_refused_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    monkeypatch.setattr(module, "EXACT", 100)
    with pytest.raises(Refused) as found:
        neighbours(open_pool({"embeddings": VECTORS}), 5)
    assert "allometry[neighbours]" in found.value.mend


@pytest.mark.parametrize("count", [0, 3000])
def test_more_neighbours_than_rows_are_refused(count: int) -> None:
    with pytest.raises(Refused):
        neighbours(open_pool({"embeddings": VECTORS}), count)
