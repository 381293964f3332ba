"""Resumed runs are one, two runs of one id are two, and a step that goes back is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.runs import Imported, import_runs
from allometry.runs.imports.joining import last_written
from allometry.runs.sources.contract import Series


def imported(tmp_path: Path, join: str = "id", step: str | None = None, **files: str) -> tuple[Imported, pl.DataFrame]:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name, text in files.items():
        (logs / f"{name}.csv").write_text("\n".join(text.split()) + "\n")
    found = import_runs(f"csv:{logs}", tmp_path / "runs.parquet", metrics={"loss": "loss"}, join=join, step=step)
    return found, pl.read_parquet(tmp_path / "runs.parquet")


def test_parts_of_one_id_are_one_run_and_the_later_part_wins(tmp_path: Path) -> None:
    found, table = imported(
        tmp_path,
        part1="run_id,step,state,nodes,loss r,10,crashed,1,4.0 r,20,crashed,1,3.5 r,30,crashed,1,9.9",
        part2="run_id,step,state,nodes,loss r,30,finished,2,3.2 r,40,finished,2,3.0",
    )
    assert found.runs == 1
    assert table["step"].to_list() == [10, 20, 30, 40]
    assert table["loss"].to_list() == [4.0, 3.5, 3.2, 3.0]
    assert set(table["state"]) == {"finished"}
    assert set(table["config.nodes"]) == {2}


def test_parts_are_joined_by_name_or_setting_where_that_is_asked(tmp_path: Path) -> None:
    parts = {
        "a": "run_name,step,key,loss big,1,7,3.0 big,2,7,2.9",
        "b": "run_name,step,key,loss big,3,7,2.8 big,4,7,2.7",
    }
    for join, run_id in (("name", "big"), ("key", "7.0")):
        folder = tmp_path / join
        folder.mkdir()
        found, table = imported(folder, join, **parts)
        assert found.runs == 1
        assert set(table["run_id"]) == {run_id}
        assert table["loss"].to_list() == [3.0, 2.9, 2.8, 2.7]


def test_two_runs_of_one_id_stay_two(tmp_path: Path) -> None:
    found, table = imported(
        tmp_path, one="run_id,step,lr,loss r,1,0.1,4.0 r,2,0.1,3.0", two="run_id,step,lr,loss r,1,0.5,5.0 r,2,0.5,4.5"
    )
    (told,) = [notice for notice in found.notices if notice.code == "two-runs-one-id"]
    assert "`r`" in told.message
    assert table["run_id"].to_list() == ["r [one.csv]"] * 2 + ["r [two.csv]"] * 2
    assert table["loss"].to_list() == [4.0, 3.0, 5.0, 4.5]


def test_a_run_begun_again_with_the_same_settings_replaces_the_first(tmp_path: Path) -> None:
    found, table = imported(
        tmp_path, one="run_id,step,lr,loss r,1,0.1,4.0 r,2,0.1,3.0", two="run_id,step,lr,loss r,1,0.1,5.0 r,2,0.1,4.5"
    )
    assert table["loss"].to_list() == [5.0, 4.5]
    assert "steps-back" in [notice.code for notice in found.notices]


def test_steps_that_go_back_are_told_and_what_was_written_later_is_kept(tmp_path: Path) -> None:
    found, table = imported(tmp_path, a="step,loss 1,5 2,4 3,9 2,3.9 3,3.5 4,3.2")
    assert table["loss"].to_list() == [5, 3.9, 3.5, 3.2]
    (told,) = [notice.message for notice in found.notices if notice.code == "steps-back"]
    assert told == (
        "`loss` of run a goes back from step 3 to 2; what was written later is kept, and 2 values before it are not"
    )


def test_values_without_a_step_are_told(tmp_path: Path) -> None:
    found, table = imported(tmp_path, a="step,loss 0,5 0,4 0,3")
    assert table["loss"].to_list() == [3]
    (told,) = [notice.message for notice in found.notices if notice.code == "one-step"]
    assert told.startswith("all 3 values of `loss` of run a are at step 0")


def test_the_step_may_stand_in_a_metric(tmp_path: Path) -> None:
    found, table = imported(tmp_path, step="tick", a="step,tick,loss 1,100,4 2,,3.5 3,200,3", b="step,loss 1,4 2,3")
    assert table["run_id"].unique().to_list() == ["a"]
    assert table["step"].to_list() == [100, 200]
    assert table["loss"].to_list() == [3.5, 3]
    assert "no-rows" in [notice.code for notice in found.notices]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_each_step_is_kept_once_as_written_last_and_none_above_a_later_one(steps: list[int]) -> None:
    kept = last_written(Series(np.array(steps, float), np.arange(len(steps), dtype=float)))
    assert (np.diff(kept.steps) > 0).all()
    assert kept.steps.max() == steps[-1]
    for step, place in zip(kept.steps, kept.values.astype(int), strict=True):
        assert steps[place] == step
        assert all(later > step for later in steps[place + 1 :])


@pytest.mark.parametrize("steps", [[], [np.nan]])
def test_no_step_gives_no_row(steps: list[float]) -> None:
    assert not len(last_written(Series(np.array(steps), np.ones(len(steps)))).steps)
