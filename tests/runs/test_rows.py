"""The rows of a fit: refusals with row numbers, clusters, weights, fingerprints; repeats and their noise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.notices import Refused
from allometry.runs import Rows, find_repeats, read_runs

TABLE: dict[str, Any] = {
    "params": [1e6, 1e6, 2e6, 4e6], "tokens": [1e8, 1e8, 1e8, 1e8], "loss": [4.0, 4.1, 3.5, 3.0],
    "weight": [1.0, 0.0, 2.0, 1.0], "family": ["a", "b", "a", "b"],
}  # fmt: skip


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_values_that_no_logarithm_takes_are_refused_by_row(bad: float) -> None:
    table = {**TABLE, "loss": [4.0, bad, 3.5, bad]}
    with pytest.raises(Refused, match=r"`loss` is not a positive number in rows 1 and 3 \(.*2 in all\)") as refused:
        read_runs(table).rows_for(["params"], "loss")
    assert refused.value.code == "invalid-values"
    dropped = read_runs(table, drop_invalid=True).rows_for(["params"], "loss")
    assert dropped.numbers.tolist() == [0, 2]
    assert tuple(dropped.excluded[0]) == (1, "`loss` is not a positive number")


def test_row_numbers_are_those_of_the_table_as_given() -> None:
    table = {**TABLE, "loss": [4.0, 4.1, 3.5, np.nan]}
    with pytest.raises(Refused, match="in row 3"):
        read_runs(table, where="params > 1M").rows_for(["params"], "loss")


def test_many_bad_rows_are_counted() -> None:
    table = {"params": np.arange(1, 101.0), "loss": np.where(np.arange(100) % 2, np.nan, 3.0)}
    with pytest.raises(Refused, match="rows 1, 3, 5, 7, 9 and 45 more"):
        read_runs(table).rows_for(["params"], "loss")


def test_rows_that_failed_are_left_out_not_refused() -> None:
    table = {**TABLE, "loss": [4.0, 4.1, np.nan, 3.0], "state": [None, None, "crashed", None]}
    rows = read_runs(table, rows="all").rows_for(["params"], "loss")
    assert [tuple(excluded) for excluded in rows.excluded] == [(2, "`loss` is not a positive number")]


def test_a_logarithm_is_asked_of_the_caller_first() -> None:
    runs = read_runs({"params": [1e6, 2e6], "loss": [-4.0, -3.0]})
    assert runs.rows_for(["params"], "loss", logs=["params"]).target.tolist() == [-4.0, -3.0]
    with pytest.raises(Refused):
        runs.rows_for(["params"], "loss")


def test_text_in_a_number_column_is_refused_by_row() -> None:
    runs = read_runs({**TABLE, "params": ["1e6", "7B", "2e6", "?"]})
    with pytest.raises(Refused, match=r'`params` is text, such as "7B" in row 1 \(.*2 such rows\)') as refused:
        runs.rows_for(["params"], "loss")
    assert refused.value.code == "not-numbers"


def test_one_row_is_too_few() -> None:
    with pytest.raises(Refused, match="only one row is left of 4"):
        read_runs(TABLE, where="params > 2M").rows_for(["params"], "loss")


def test_clusters() -> None:
    runs = read_runs(TABLE)
    for cluster, kind, labels in (
        (None, "repeats", [0, 0, 1, 2]), ("none", "rows", None), ("family", "family", [0, 1, 0, 1]),
    ):  # fmt: skip
        rows = runs.rows_for(["params", "tokens"], "loss", cluster=cluster)
        assert (rows.cluster_kind, None if rows.cluster is None else rows.cluster.tolist()) == (kind, labels)
    assert runs.rows_for(["params", "weight"], "loss").cluster is None
    with pytest.raises(Refused, match="nearest names"):
        runs.rows_for(["params"], "loss", cluster="famly")
    with pytest.raises(Refused, match="`family` is empty in row 1"):
        read_runs({**TABLE, "family": ["a", None, "a", "b"]}).rows_for(["params"], "loss", cluster="family")


def test_weights() -> None:
    rows = read_runs(TABLE).rows_for(["params"], "loss", weights="weight")
    assert rows.weights is not None
    assert rows.weights.tolist() == [1.0, 2.0, 1.0]
    with pytest.raises(Refused, match="`weight` is not a weight of 0 or more in row 0"):
        read_runs({**TABLE, "weight": [-1, 1, 1, 1]}).rows_for(["params"], "loss", weights="weight")


def test_the_fingerprint_is_of_what_is_used() -> None:
    def of(table: dict[str, Any], **more: Any) -> str:
        return read_runs(table).rows_for(["params"], "loss", **more).fingerprint

    assert of(TABLE) == of({**TABLE, "family": ["x"] * 4})
    changed = {"loss": [4.0, 4.1, 3.5, np.nextafter(3.0, 4)]}
    different = [of(TABLE), of(TABLE | changed), of(TABLE, cluster="none"), of(TABLE, weights="weight")]
    assert len({*different, read_runs(TABLE, where="params > 1M").rows_for(["params"], "loss").fingerprint}) == 5


@given(st.lists(st.tuples(st.floats(1, 1e12), st.floats(0.1, 20)), min_size=2, max_size=6))
def test_rows_survive_json_exactly(pairs: list[tuple[float, float]]) -> None:
    params, loss = zip(*pairs, strict=True)
    rows = read_runs({"params": params, "loss": loss}).rows_for(["params"], "loss")
    back = Rows.from_dict(json.loads(json.dumps(rows.as_dict(), allow_nan=False)))
    assert back.fingerprint == rows.fingerprint
    assert (back.excluded, back.conventions, back.given) == (rows.excluded, rows.conventions, rows.given)


def test_rows_that_were_changed_are_not_read() -> None:
    contents = read_runs(TABLE).rows_for(["params"], "loss").as_dict()
    contents["target"][0] = 9.0
    with pytest.raises(ValueError, match="fingerprint"):
        Rows.from_dict(contents)


def test_a_subset_keeps_numbers_and_says_what_is_left_out() -> None:
    rows = read_runs(TABLE, where="tokens > 0").rows_for(["params"], "loss", cluster="family")
    part = rows.subset(np.array([False, True, True, True]), "tried without")
    assert (part.numbers.tolist(), [tuple(left) for left in part.excluded]) == ([1, 2, 3], [(0, "tried without")])
    assert part.cluster is not None
    assert part.cluster.tolist() == [1, 0, 1]
    assert part.given == 4
    assert len(Rows.empty(["params"], "loss", {})) == 0


def test_repeats_and_duplicates_are_told_apart() -> None:
    axes = [np.array([1.0, 1, 1, 2, 2, 3, 1])]
    target = np.array([3.0, 3.1, 3.1, 2.0, 2.0, 1.0, 3.0])
    found = find_repeats(axes, target, np.arange(7) + 10)
    assert found.repeats == ((10, 11, 12, 16),)
    assert found.duplicates == ((10, 16), (11, 12), (13, 14))
    assert found.degrees_of_freedom == 1


def test_the_noise_floor_is_the_pooled_deviation_of_logs() -> None:
    generator, groups, seeds = np.random.default_rng(0), 400, 3
    setting = np.repeat(np.arange(1.0, groups + 1), seeds)
    target = np.exp(1 / setting + generator.normal(0, 0.02, setting.size))
    found = find_repeats([setting], target, np.arange(setting.size))
    assert found.degrees_of_freedom == groups * (seeds - 1)
    assert found.noise.value == pytest.approx(0.02, rel=0.08)
    assert find_repeats([setting[::seeds]], target[::seeds], np.arange(groups)).noise.value is None
