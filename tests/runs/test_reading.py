"""Mapping, deriving, filtering: what happens to columns on the way in, and that it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.runs import Runs, read_runs

TABLE: dict[str, Any] = {
    "params": [1e9, 2e9, 7e9],
    "tokens": [2e10, 4e10, 1.4e11],
    "loss": [3.0, 2.8, 2.5],
    "peak lr": [1e-3, 5e-4, 3e-4],
    "data": ["c4", "pile", "c4"],
}


def _codes(runs: Runs) -> list[str]:
    return [notice.code for notice in runs.notices]


def test_a_mapped_column_has_both_names() -> None:
    table = {"N": TABLE["params"], "tokens": TABLE["tokens"], "loss": TABLE["loss"]}
    runs = read_runs(table, map={"params": "N"}, where="N > 1B and params < 7B")
    assert runs.row_numbers.tolist() == [1]
    assert runs.columns["params"].tolist() == runs.columns["N"].tolist() == [2e9]
    assert runs.mapping == {"params": "N"}


def test_a_mapping_that_hides_a_column_says_so() -> None:
    table = {**TABLE, "params_non_embedding": [8e8, 1.7e9, 6.5e9]}
    runs = read_runs(table, map={"params": "params_non_embedding"})
    assert runs.columns["params"].tolist() == [8e8, 1.7e9, 6.5e9]
    assert "column-hidden" in _codes(runs)
    assert runs.conventions["params"] == "non-embedding"


def test_a_mapping_to_no_standard_name_says_so() -> None:
    runs = read_runs(TABLE, map={"rate": "peak lr"})
    assert "not-in-vocabulary" in _codes(runs)
    assert runs.rows_for(["rate"], "loss").axes["rate"].tolist() == TABLE["peak lr"]


def test_unknown_columns_are_refused_with_three_names() -> None:
    for call in ({"map": {"params": "parms"}}, {"where": "parms > 1"}):
        with pytest.raises(Refused) as refused:
            read_runs(TABLE, **call)
        assert refused.value.code == "unknown-column"
        assert "`params`" in refused.value.mend
        assert refused.value.mend.count("`") == 6


def test_a_missing_axis_names_the_column_to_map() -> None:
    runs = read_runs({"N": [1e6, 2e6], "D": [1e8, 1e8], "loss_c4_val": [3.0, 2.9]})
    for axes, metric, option in (["params"], "loss_c4_val", "params=N"), (["D"], "loss", "loss=loss_c4_val"):
        with pytest.raises(Refused, match=f"--map {option}") as refused:
            runs.rows_for(axes, metric)
        assert refused.value.code == "missing-axis"


def test_flops_are_derived_and_said() -> None:
    runs = read_runs({"params": [1_000_000_000_000, 2], "tokens": [30_000_000_000_000, 3], "loss": [2.0, 3.0]})
    assert runs.columns["flops"].tolist() == [6.0 * 1e12 * 3e13, 36.0]
    assert runs.derived == ("flops = 6 x params x tokens (derived)",)
    assert runs.conventions["flops"] == "6ND on params"


def test_tokens_are_derived_from_flops() -> None:
    runs = read_runs({"params": [1e6, 2e6], "flops": [6e14, 6e14], "loss": [2.0, 3.0]}, where="tokens > 60M")
    assert runs.columns["tokens"].tolist() == [1e8]
    assert runs.derived == ("tokens = flops / (6 x params) (derived)",)


def test_data_axes_are_derived() -> None:
    runs = read_runs({"tokens": [4e9, 8e9], "unique_tokens": [4e9, 2e9], "bytes_per_token": [4.0, 5.0]}, rows="all")
    assert runs.columns["epochs"].tolist() == [1.0, 4.0]
    assert runs.columns["bytes"].tolist() == [1.6e10, 4e10]


@pytest.mark.parametrize("routed", ["experts", "loops"])
def test_flops_never_come_from_total_params_of_routed_models(routed: str) -> None:
    table = {**TABLE, routed: [8, 8, 8]}
    runs = read_runs(table)
    with pytest.raises(Refused, match=f"`flops` is not derived.*`{routed}`.*`active_params`") as refused:
        runs.rows_for(["flops"], "loss")
    assert refused.value.code == "active-params-needed"
    active = read_runs({**table, "active_params": [2e8, 4e8, 1e9]})
    assert active.columns["flops"].tolist() == [6 * 2e8 * 2e10, 6 * 4e8 * 4e10, 6 * 1e9 * 1.4e11]
    assert active.conventions["flops"] == "6ND on active_params"


def test_columns_outside_the_vocabulary_are_kept() -> None:
    runs = read_runs(TABLE, where='`peak lr` < 1e-3 and data == "c4"')
    assert runs.row_numbers.tolist() == [2]
    assert [excluded.row for excluded in runs.excluded] == [0, 1]
    assert runs.usage.startswith("1 of 3 rows used (2 not in the filter")


def test_a_filter_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="keeps none of 3 rows"):
        read_runs(TABLE, where="params > 1T")


def test_groups_of_a_column() -> None:
    groups = read_runs(TABLE).by("data")
    assert {name: runs.row_numbers.tolist() for name, runs in groups.items()} == {"c4": [0, 2], "pile": [1]}
    assert list(read_runs(TABLE).by("params")) == ["1000000000", "2000000000", "7000000000"]


def test_keeping_rows_twice_keeps_the_first_reason() -> None:
    runs = read_runs(TABLE).where("params > 1B").keep(np.array([False, True]), "by hand")
    assert [tuple(excluded) for excluded in runs.excluded] == [(0, "not in the filter `params > 1B`"), (1, "by hand")]
