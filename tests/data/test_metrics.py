"""The one contract of pruning metrics, over every file of the folder, and the value that each is known to have."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.data.pools import Pool, open_pool
from allometry.data.pruning import Metric, ScoreSettings, find_metric, list_metrics, score
from allometry.notices import Refused

ROWS, CLASSES, TIMES = 90, 4, 6
DRAW = np.random.default_rng(5)
_TRAINED = DRAW.permuted(np.tile([0, 1], (ROWS, TIMES // 2)), axis=1)
COLUMNS = {
    "probabilities": DRAW.dirichlet(np.ones(CLASSES), ROWS), "label": DRAW.integers(0, CLASSES, ROWS),
    "correct": DRAW.integers(0, 2, (ROWS, TIMES)), "trained": _TRAINED, "loss": DRAW.exponential(size=ROWS),
    "nats": DRAW.exponential(40, ROWS), "tokens": DRAW.integers(5, 50, ROWS),
    "embeddings": DRAW.standard_normal((ROWS, 8)).astype(np.float32),
}  # fmt: skip
SETTINGS = ScoreSettings(seed=3, clusters=5)


def pool_of(metric: Metric, rows: slice = slice(None)) -> Pool:
    return open_pool({"id": np.arange(ROWS)[rows], **{name: COLUMNS[name][rows] for name in metric.columns}})


@pytest.mark.parametrize("name", list_metrics())
class TestContract:
    def test_a_finite_score_an_example(self, name: str) -> None:
        found = score(pool_of(find_metric(name)), name, SETTINGS)
        assert (found.shape, found.dtype) == ((ROWS,), np.dtype("float64"))
        assert np.isfinite(found).all()
        assert np.ptp(found) > 0

    def test_it_says_what_it_does_needs_and_comes_from(self, name: str) -> None:
        metric = find_metric(name)
        assert metric.does.endswith(".")
        assert metric.source
        assert all(metric.columns.values())

    def test_scores_are_the_same_however_the_pool_is_cut(self, name: str) -> None:
        metric = find_metric(name)
        pool = pool_of(metric)
        state = metric.prepare(pool, SETTINGS) if metric.prepare else {}
        whole = score(pool, name, SETTINGS)
        for rows in (7, 50):
            parts = [metric.score(b, state, SETTINGS) for b in pool.batches(["id", *metric.columns], rows)]
            np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-6)

    def test_scores_repeat(self, name: str) -> None:
        pool = pool_of(find_metric(name))
        np.testing.assert_array_equal(score(pool, name, SETTINGS), score(pool, name, SETTINGS))

    def test_a_missing_column_is_refused_by_its_name(self, name: str) -> None:
        for gone in find_metric(name).columns:
            left = {column: COLUMNS[column] for column in find_metric(name).columns if column != gone}
            with pytest.raises(Refused) as found:
                score(open_pool({"id": np.arange(ROWS), **left}), name, SETTINGS)
            assert f"`{gone}`" in found.value.message

    def test_a_number_that_is_none_is_refused_by_its_row(self, name: str) -> None:
        for column in find_metric(name).columns:
            if COLUMNS[column].dtype.kind != "f":
                continue
            broken = COLUMNS[column].copy()
            broken[41] = np.nan
            with pytest.raises(Refused, match="row 41"):
                score(open_pool({**COLUMNS, column: broken}), name, SETTINGS)


def one(name: str, **columns: object) -> list[float]:
    return [round(value, 6) for value in score(open_pool(columns), name, SETTINGS).tolist()]


def test_margin_and_el2n_by_hand() -> None:
    given = {"probabilities": [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], "label": [0, 1]}
    assert one("margin", **given) == [-0.5, 0.3]
    assert one("el2n", **given) == [round(0.14**0.5, 6), round(0.86**0.5, 6)]


def test_several_models_are_averaged() -> None:
    both = {"probabilities": [[[0.7, 0.3], [0.5, 0.5]]], "label": [0]}
    assert one("margin", **both) == [-0.2]


def test_forgetting_by_hand() -> None:
    correct = [[0, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]]
    assert one("forgetting", correct=correct) == [0, 2, 4]


def test_memorisation_by_hand() -> None:
    found = one("memorisation", correct=[[1, 1, 0, 0], [1, 1, 1, 1]], trained=[[1, 1, 0, 0], [1, 0, 1, 0]])
    assert found == [1, 0]


def test_perplexity_by_hand() -> None:
    assert one("perplexity", nats=[2 * np.log(8)], tokens=[2]) == [8]


def test_outliers_lie_far_from_the_prototypes() -> None:
    draw = np.random.default_rng(0)
    blobs = np.repeat(np.eye(6)[:3], 50, axis=0) + 0.05 * draw.standard_normal((150, 6))
    odd = np.array([[0, 0, 0, 1, 1, 1.0]] * 2)
    found = score(open_pool({"embeddings": np.concatenate([blobs, odd])}), "prototype", ScoreSettings(clusters=3))
    assert set(np.argsort(found)[-2:].tolist()) == {150, 151}
    assert found[:150].max() < 0.2


def test_random_scores_are_uniform_and_follow_the_seed() -> None:
    pool = open_pool({"id": np.arange(20_000)})
    first, other = (score(pool, "random", ScoreSettings(seed=seed)) for seed in (0, 1))
    assert abs(first.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.03


@pytest.mark.parametrize(
    ("name", "columns", "code"),
    [
        ("margin", {"probabilities": [[0.7, 0.7]], "label": [0]}, "bad-probabilities"),
        ("margin", {"probabilities": [[3.0, -2.0]], "label": [0]}, "bad-probabilities"),
        ("margin", {"probabilities": [0.7], "label": [0]}, "bad-probabilities"),
        ("el2n", {"probabilities": [[0.7, 0.3]], "label": [2]}, "bad-label"),
        ("el2n", {"probabilities": [[0.7, 0.3]], "label": ["cat"]}, "not-numbers"),
        ("el2n", {"probabilities": [[0.7, 0.3]], "label": [[0]]}, "bad-label"),
        ("margin", {"probabilities": [["a", "b"]], "label": [0]}, "not-numbers"),
        ("loss", {"loss": ["1.5", "high"]}, "not-numbers"),
        ("perplexity", {"nats": ["3"], "tokens": [1]}, "not-numbers"),
        ("perplexity", {"nats": [3.0], "tokens": ["1"]}, "not-numbers"),
        ("perplexity", {"nats": [3.0, -8.0], "tokens": [1, 2]}, "bad-nats"),
        ("forgetting", {"correct": [[0, 2]]}, "bad-flags"),
        ("forgetting", {"correct": [1]}, "bad-flags"),
        ("memorisation", {"correct": [[0, 1]], "trained": [[1, 1]]}, "one-sided"),
        ("memorisation", {"correct": [[0, 1]], "trained": [[1]]}, "ragged"),
        ("perplexity", {"nats": [1.0], "tokens": [0]}, "no-tokens"),
        ("prototype", {"embeddings": [[1.0, 2.0]] * 4}, "few-rows"),
        ("prototype", {"embeddings": [[0.0, 0.0]] * 9}, "zero-embedding"),
        ("prototype", {"embeddings": [1.0] * 9}, "bad-embeddings"),
        ("loss", {"loss": [[1.0]]}, "bad-scores"),
        ("marginn", {"loss": [1.0]}, "unknown-metric"),
    ],
)
def test_what_a_metric_cannot_use_is_refused(name: str, columns: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as found:
        score(open_pool(columns), name, SETTINGS)
    assert found.value.code == code
