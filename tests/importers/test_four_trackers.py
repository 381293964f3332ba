"""The same 20 runs from four trackers: four equal tables, and the same fit."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from allometry.cli import main
from allometry.runs import import_runs

# MLflow's own models use what SQLAlchemy no longer likes.
pytestmark = [pytest.mark.importers, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")]

SOURCES = {
    "wandb": "wandb:{0}", "mlflow": "mlflow:sqlite:///{0}/mlflow.db#ladder", "tensorboard": "tensorboard:{0}",
    "trainer": "trainer:{0}",
}  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "importing.md"
# What transformers calls the metric.
TRAINER = {"eval_loss": "eval/loss"}


@pytest.fixture(params=SOURCES)
def tracker(request: pytest.FixtureRequest) -> str:
    return request.param


def bring(tracker: str, written: Callable[[str, str], Path], out: Path) -> pl.DataFrame:
    metric = "eval_loss" if tracker == "trainer" else "eval/loss"
    # MLflow makes up the ids of runs itself, so the name is what all four have in common.
    found = import_runs(
        SOURCES[tracker].format(written("write_ladder.py", tracker)), out, join="name",
        metrics={"loss": metric}, map={"params": "n_params"}, batch_tokens="batch_tokens",
    )  # fmt: skip
    assert (found.runs, dict(found.states), found.failed) == (20, {"finished": 19, "diverged": 1}, ())
    assert found.mapping["loss"] == metric
    return pl.read_parquet(out)


def test_four_trackers_give_four_equal_tables(
    tracker: str, written: Callable[[str, str], Path], tmp_path: Path
) -> None:
    expected = bring("wandb", written, tmp_path / "expected.parquet")
    found = bring(tracker, written, tmp_path / "found.parquet")
    if tracker == "trainer":
        found = found.rename(TRAINER).select(expected.columns)
    assert_frame_equal(found, expected, check_column_order=False, check_exact=True)
    assert expected.height > 80


def test_what_a_resumed_run_measured_last_is_kept(
    tracker: str, written: Callable[[str, str], Path], tmp_path: Path
) -> None:
    table = bring(tracker, written, tmp_path / "found.parquet").rename(TRAINER, strict=False)
    losses = table.filter(pl.col("run_id") == "run07").sort("step")["eval/loss"].to_list()
    # At step 300 the part that was given up had half a nat more.
    assert all(later < earlier for earlier, later in pairwise(losses))


def test_a_fit_of_each_gives_the_same_numbers(
    written: Callable[[str, str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for tracker in SOURCES:
        out = tmp_path / f"{tracker}.parquet"
        bring(tracker, written, out)
        words = ["fit", str(out), "--map-file", str(out.with_suffix(".map.toml")), "--law", "chinchilla"]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--bootstrap", "30", "--json"])
        assert not ended.value.code
        fit = json.loads(capsys.readouterr().out)
        assert fit["n_runs"] == 19
        told.append({key: fit[key] for key in ("objective", "parameters", "influence", "residual_trends")})
    assert told[0] == told[1] == told[2] == told[3]


def test_the_commands_of_the_page_on_importing(
    tracker: str, written: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    files = written("write_ladder.py", tracker)
    (tmp_path / tracker).symlink_to(files)
    (tmp_path / "mlflow.db").symlink_to(files / "mlflow.db")
    lines = (PAGE.read_text(encoding="utf-8")).splitlines()
    (command,) = [line for line in lines if line.startswith(f"allometry import {tracker}:")]
    with pytest.raises(SystemExit) as ended:
        main([*shlex.split(command)[1:], "--jobs", "1", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert not ended.value.code, told
    assert told["runs"] == 20
