"""Published tables, read as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.runs import describe, read_runs

Published = Callable[[str], Path]

pytestmark = pytest.mark.published


def test_chinchilla_rows(published: Published) -> None:
    runs = read_runs(published("chinchilla_epoch.csv"))
    assert (len(runs), runs.conventions["flops"]) == (245, "6ND on params")
    assert runs.rows_for(["params", "tokens"], "loss").cluster_kind == "rows"
    assert len(runs.where("excluded_by_epoch == 0")) == 240


def test_checkpoints_are_told_from_runs(published: Published) -> None:
    """263 final rows, two of them followed by a later row of the same run, leave the 261 of the final table."""
    path = published("misfitting_checkpoints.csv")
    runs = read_runs(path)
    assert (runs.given, len(runs)) == (4852, 261)
    final = read_runs(published("misfitting_final.csv"))
    assert np.isin(final.columns["loss"], read_runs(path, rows="all").columns["loss"]).all()
    rows = read_runs(path, rows="all").rows_for(["params", "tokens"], "loss")
    assert rows.cluster is not None
    assert (rows.cluster_kind, len(rows), int(rows.cluster.max()) + 1) == ("runs", 4852, 253)
    assert len(read_runs(path, rows="after:0.5")) < 4852


def test_final_runs_are_no_checkpoints(published: Published) -> None:
    runs = read_runs(published("misfitting_final.csv"))
    assert (len(runs), runs.run_labels) == (261, None)
    rows = runs.rows_for(["params", "tokens"], "loss")
    assert rows.cluster_kind == "repeats"


def test_several_losses_need_naming(published: Published) -> None:
    path = published("gadre_overtraining.csv")
    with pytest.raises(Refused, match="--map loss=loss_openlm"):
        read_runs(path).rows_for(["params", "tokens"], "loss")
    runs = read_runs(path, map={"loss": "loss_c4_val"}, where='train_dataset == "c4_original"')
    assert runs.conventions["evaluation"] == "column loss_c4_val"
    assert len(runs.rows_for(["params", "tokens"], "loss")) == len(runs)


def test_seeded_repeats_show_their_noise(published: Published) -> None:
    found = describe(read_runs(published("data_constrained.csv")))
    assert (len(found.repeats), found.degrees_of_freedom) == (5, 20)
    assert found.noise.value == pytest.approx(0.011, rel=0.1)


def test_steps_without_checkpoints_stay_rows(published: Published) -> None:
    for name in ("steplaw_dense.csv", "xlstm_isoflop.csv"):
        assert read_runs(published(name)).run_labels is None


def test_missing_values_are_refused_only_where_used(published: Published) -> None:
    runs = read_runs(published("obs_scaling_base.csv"))
    assert len(runs.rows_for(["params"], "MMLU")) == 148
    with pytest.raises(Refused, match=r"`flops` is not a positive number in rows .* 20 more"):
        runs.rows_for(["flops"], "MMLU")


def test_diverged_runs_can_be_filtered(published: Published) -> None:
    runs = read_runs(
        published("steplaw_dense.csv"), map={"loss": "loss_smooth", "learning_rate": "lr"}, where="loss <= 4"
    )
    assert (len(runs), len(runs.excluded)) == (1911 - 181, 181)


def test_every_table_is_described(published: Published) -> None:
    folder = published("chinchilla_epoch.csv").parent
    for path in sorted(folder.glob("*.csv")):
        assert describe(read_runs(path)).given > 0
