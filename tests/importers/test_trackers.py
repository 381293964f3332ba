"""What each tracker's own library writes when runs end badly, and what is made of files that are broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from allometry.notices import Refused
from allometry.runs import Imported, import_runs
from allometry.runs.sources import Record, find_source

# MLflow's own models use what SQLAlchemy no longer likes.
pytestmark = [pytest.mark.importers, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")]

Written = Callable[[str, str], Path]


@pytest.fixture
def case(written: Written, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of what one library wrote, free to be broken."""

    def copy(tracker: str) -> Path:
        script = "write_ladder.py" if tracker == "mlflow" else "write_cases.py"
        return Path(shutil.copytree(written(script, tracker), tmp_path / tracker))

    return copy


def records(text: str) -> dict[str, Record]:
    source, rest = find_source(text)
    found = [item.read(None) for item in source.items(rest)]
    return {record.name or record.run_id: record for record in found}


def bring(text: str, folder: Path, **options: object) -> Imported:
    return import_runs(text, folder / "runs.parquet", metrics={"loss": "loss"}, **options)  # type: ignore[arg-type]


def cut(path: Path, share: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flip(path: Path, share: float = 0.5) -> None:
    """Change one bit of a file."""
    contents = bytearray(path.read_bytes())
    contents[int(len(contents) * share)] ^= 1
    path.write_bytes(contents)


def test_wandbs_offline_runs(case: Callable[[str], Path]) -> None:
    found = records(f"wandb:{case('wandb')}")
    assert {name: record.state for name, record in found.items()} == {
        "whole": "finished", "failed": "crashed", "nested": "finished",
    }  # fmt: skip
    assert found["whole"].tags == ("one", "two")
    assert found["whole"].series["loss"].steps.tolist() == list(range(200))
    nested = found["nested"].series
    assert set(nested) == {"eval.loss", "eval.acc", "loss", "flag"}
    assert nested["eval.loss"].values.tolist() == [2.0, 1.5]
    assert np.array_equal(nested["loss"].values, [np.nan, np.inf], equal_nan=True)


@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_file_of_wandb_keeps_what_stands_before(
    case: Callable[[str], Path], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = case("wandb")
    (broken,) = folder.rglob("*-whole.wandb")
    damage(broken)
    found = bring(f"wandb:{folder}", tmp_path)
    assert "truncated" in [notice.code for notice in found.notices]
    kept = pl.read_parquet(found.out).filter(pl.col("run_id") == "whole")
    assert set(kept["state"]) == {"running"}
    assert 0 < kept.height < 200
    assert kept["loss"].to_list() == [3.0 - step / 100 for step in range(kept.height)]


def test_a_file_of_wandb_without_a_run_is_left_out_and_the_others_come_in(
    case: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = case("wandb")
    (broken,) = folder.rglob("*-whole.wandb")
    cut(broken, 0.0001)
    found = bring(f"wandb:{folder}", tmp_path)
    assert found.runs == 2
    (failed,) = found.failed
    assert "whole" in failed.item


def test_nested_settings_are_columns(case: Callable[[str], Path], tmp_path: Path) -> None:
    found = bring(f"wandb:{case('wandb')}", tmp_path, map={"width": "model.width"})
    assert found.mapping["width"] == "config.model.width"


def test_mlflows_states_tags_and_values_that_are_no_numbers(case: Callable[[str], Path], tmp_path: Path) -> None:
    source = f"mlflow:sqlite:///{case('mlflow')}/mlflow.db#cases"
    found = records(source)
    assert {name: record.state for name, record in found.items()} == {
        "finished": "finished", "failed": "crashed", "killed": "crashed", "running": "running",
    }  # fmt: skip
    assert set(found["failed"].tags) == {"sweep=a", "best"}
    assert np.array_equal(found["failed"].series["loss"].values, [3, np.nan, np.inf, 2], equal_nan=True)
    assert bring(source, tmp_path).states == {"finished": 1, "crashed": 2, "running": 1}


def test_mlflows_client_and_its_database_say_the_same(case: Callable[[str], Path]) -> None:
    from allometry.runs.sources import mlflow_store

    uri = f"sqlite:///{case('mlflow')}/mlflow.db"
    (item, *_), client = mlflow_store.SOURCE.items(f"{uri}#cases"), mlflow_store._client(uri)
    points = client.get_metric_history(item.key, "loss")
    asked = np.array([(point.timestamp, point.step, point.value) for point in points], float)
    assert np.array_equal(mlflow_store._history(uri, item.key, "loss"), asked, equal_nan=True)


def test_a_second_import_from_mlflow_reads_only_what_changed(case: Callable[[str], Path], tmp_path: Path) -> None:
    from mlflow import MlflowClient

    folder = case("mlflow")
    source = f"mlflow:sqlite:///{folder}/mlflow.db#cases"
    first = bring(source, tmp_path)
    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    (going,) = pl.read_parquet(first.out).filter(pl.col("state") == "running")["run_id"].unique()
    client.log_metric(going, "loss", 2.0, step=4)
    again = bring(source, tmp_path)
    assert (again.read, again.kept, again.rows) == (1, 3, first.rows + 1)
    client.set_terminated(going)
    assert bring(source, tmp_path).states == {"finished": 2, "crashed": 2}


@pytest.mark.parametrize(
    ("rest", "said"), [("#absent", "`cases`"), ("#empty", "no run"), ("", "no experiment is named")]
)
def test_a_wrong_experiment_is_refused_with_those_there_are(
    case: Callable[[str], Path], tmp_path: Path, rest: str, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        bring(f"mlflow:sqlite:///{case('mlflow')}/mlflow.db{rest}", tmp_path)


def test_a_database_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(Refused) as refused:
        bring(f"mlflow:sqlite:///{tmp_path}/x.db#cases", tmp_path)
    assert refused.value.code == "source-failed"


def test_tensorboards_scalars_of_either_form(case: Callable[[str], Path], tmp_path: Path) -> None:
    folder = case("tensorboard")
    found = records(f"tensorboard:{folder}")
    assert found["new"].series["loss"].values.tolist() == [3.0, 2.0, 1.0]
    assert set(found["new"].series) == {"loss", "wide"}
    assert set(found["old"].series) == {"loss"}
    # The settings that PyTorch wrote below the run are its own, and so is how it ended.
    bring(f"tensorboard:{folder}", tmp_path)
    failed = pl.read_parquet(tmp_path / "runs.parquet").filter(pl.col("run_id") == "failed")
    assert failed.select("state", "config.width", "config.tied").rows() == [("crashed", 64.0, 1.0)]


@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_event_file_keeps_what_stands_before(
    case: Callable[[str], Path], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = case("tensorboard")
    (broken,) = (folder / "old").iterdir()
    damage(broken)
    found = bring(f"tensorboard:{folder}", tmp_path)
    (told,) = [notice.message for notice in found.notices if notice.code == "truncated"]
    assert "of run old is cut off or damaged after" in told
    kept = pl.read_parquet(found.out).filter(pl.col("run_id") == "old")
    assert set(kept["state"]) == {"crashed"}
    assert 30 < kept.height < 70


def test_every_bit_of_an_event_counts(case: Callable[[str], Path]) -> None:
    """A value that another bit makes another value is never taken."""
    from allometry.runs.sources.tensorboard_frames import read_frames

    (path,) = (case("tensorboard") / "new").iterdir()
    whole, contents = read_frames(path)[0], path.read_bytes()
    for place in range(0, len(contents), 7):
        changed = bytearray(contents)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        frames, damaged = read_frames(path)
        assert damaged is not None
        assert frames == whole[: len(frames)]


def test_inspects_logs(case: Callable[[str], Path], tmp_path: Path) -> None:
    folder = case("inspect")
    source, rest = find_source(f"inspect:{folder}")
    first, second = (item.read(None) for item in source.items(rest))
    assert (first.run_id, first.state, second.state) == ("t1", "finished", "running")
    assert first.config == {"model": "mockllm/model", "task": "sums", "args.level": 3}
    assert first.tags == ("nightly",)
    numbers = {name: series.values.tolist() for name, series in first.series.items()}
    assert numbers == {
        "match/accuracy": [0.75], "completed_samples": [4], "usage/input_tokens": [10], "usage/output_tokens": [20],
    }  # fmt: skip
    cut(folder / "2026_sums_t1.eval")
    found = import_runs(f"inspect:{folder}", tmp_path / "runs.parquet", metrics={"accuracy": "match/accuracy"})
    assert [failed.item for failed in found.failed] == ["2026_sums_t1.eval"]
    assert found.runs == 1
