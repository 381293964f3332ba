"""What `allometry runs` says of a table, and the embedded ladder."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.runs import describe, embedded_ladder, embedded_provenance, read_runs

TABLE: dict[str, Any] = {
    "run_id": list("abcdef"), "params": [1e6, 1e6, 1e6, 2e6, 2e6, 4e6], "tokens": [1e8] * 6,
    "loss": [4.0, 4.1, 4.1, 3.5, np.nan, 3.0], "seed": [0, 1, 2, 0, 1, 0], "lr": [1e-3, 2e-3, 2e-3, 1e-3, 1e-3, 1e-3],
    "state": [None, None, None, None, "diverged", "running"],
}  # fmt: skip


def test_a_description_has_the_agreed_keys_in_strict_json() -> None:
    said = json.loads(json.dumps(describe(read_runs(TABLE)).as_json(), allow_nan=False))
    assert (said["rows"], said["rows_used"], said["repeats"], said["duplicates"]) == (6, 4, 1, 1)
    assert (said["repeat_rows"], said["duplicate_rows"]) == ([[0, 1, 2]], [[1, 2]])
    assert said["axes"]["params"].items() >= {"low": 1e6, "high": 2e6, "unit": "parameters", "distinct": 2}.items()
    assert said["axes"]["flops"]["derived"]
    assert said["noise"] == pytest.approx(np.log(4.1 / 4.0) / np.sqrt(2))
    assert said["excluded"][0] == {"row": 4, "reason": "its state is diverged"}
    assert said["states"] == {"finished": 4, "diverged": 1, "running": 1}
    assert said["other_columns"] == ["run_id", "seed", "lr", "state"]


def test_repeats_that_differ_elsewhere_are_said_to() -> None:
    (notice,) = [n for n in describe(read_runs(TABLE)).notices if n.code == "repeats-differ"]
    assert "`lr`" in notice.message
    assert "seed" not in notice.message


def test_rows_of_two_evaluation_sets_are_no_repeats() -> None:
    table = {"params": [1e6, 1e6], "loss": [3.0, 2.0], "evaluation": ["c4", "pile"]}
    assert describe(read_runs(table)).repeats == ()


def test_columns_without_numbers_say_why() -> None:
    found = describe(read_runs({"params": [None, None], "tokens": ["x", None], "loss": [1.0, 2.0]}))
    assert (found.axes["params"].low, found.axes["params"].why) == (None, "it holds no number")
    assert (found.axes["tokens"].missing, found.axes["tokens"].why) == (1, "it holds text")
    assert found.noise.why


def test_a_table_of_other_names_is_described_with_hints() -> None:
    found = describe(read_runs({"N": [1e6, 2e6], "D": [1e8, 1e8], "val_loss": [3.0, 2.9]}))
    hints = " ".join(notice.message for notice in found.notices)
    assert all(option in hints for option in ("--map params=N", "--map tokens=D", "--map loss=val_loss"))
    assert (found.axes, found.metric) == ({}, None)


def test_another_metric_can_be_asked_for() -> None:
    runs = read_runs({"params": [1e6, 1e6], "loss": [3.0, 3.0], "train_loss": [3.0, 3.3]})
    assert (describe(runs).repeats, describe(runs, "train_loss").repeats) == ((), ((0, 1),))
    with pytest.raises(Refused, match="nearest names"):
        describe(runs, "trian_loss")


def test_the_embedded_ladder_is_whole() -> None:
    runs, every = embedded_ladder(), embedded_ladder(rows="all")
    assert len(every) == every.given
    assert len(runs) == len(set(runs.columns["run_id"])) == len(set(every.columns["run_id"]))
    assert (runs.columns["step"] == runs.columns["steps"]).all()
    conventions = {"params": "total", "flops": "6ND on params", "loss_unit": "nats per byte", "tokenizer": "bytes"}
    assert conventions.items() <= runs.conventions.items()
    rows = runs.rows_for(["params", "tokens"], "loss")
    assert (rows.cluster_kind, len(rows.excluded)) == ("repeats", every.given - len(runs))
    assert every.rows_for(["params", "tokens"], "loss").cluster_kind == "runs"
    assert 0 < (describe(runs).noise.value or 0) < 0.05


def test_the_embedded_ladder_says_how_it_was_measured() -> None:
    provenance = embedded_provenance()
    assert provenance["format"] == "allometry-ladder-provenance"
    assert provenance["loss"]["held_out_files"]
