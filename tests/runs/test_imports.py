"""From a source to one table: steps to tokens, states, choosing, and what is told; on folders of CSV files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.notices import Refused
from allometry.runs import Imported, import_runs, read_runs
from allometry.runs.imports.counting import batch_tokens
from allometry.runs.sources.contract import Record, Series


def write(folder: Path, **files: str) -> str:
    """A folder of runs, one a file, rows apart by spaces; gives the source that names it."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text("\n".join(text.split()) + "\n")
    return f"csv:{folder}"


def codes(found: Imported) -> list[str]:
    return [notice.code for notice in found.notices]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs.parquet"


@pytest.fixture
def two(tmp_path: Path) -> str:
    return write(
        tmp_path / "logs",
        small="step,n_params,eval/loss,train/loss 10,1e6,4.0,4.1 15,1e6,,3.9 20,1e6,3.5,3.6",
        large="step,n_params,eval/loss,train/loss 10,2e6,3.8,3.9 20,2e6,3.1,3.2",
    )


def test_the_mapping_reads_the_table(two: str, out: Path) -> None:
    found = import_runs(two, out, metrics={"loss": "eval/loss"}, map={"params": "n_params"}, batch_tokens=100)
    assert (found.runs, found.rows, found.read) == (2, 4, 2)
    written = tomllib.loads(found.map_file.read_text())
    assert written["map"] == {"loss": "eval/loss", "params": "config.n_params", "tokens": "tokens"}
    assert written["import"] == {"source": two, "tokens": "step x 100", "join": "id"}
    runs = read_runs(out, map=written["map"])
    assert runs.columns["run_id"].tolist() == ["large", "small"]
    assert runs.columns["loss"].tolist() == [3.1, 3.5]
    assert runs.columns["tokens"].tolist() == [2000.0, 2000.0]
    assert runs.columns["params"].tolist() == [2e6, 1e6]
    assert found.columns == tuple(pl.read_parquet(out).columns)


def test_without_a_metric_every_step_is_a_row_and_likely_names_are_told(two: str, out: Path) -> None:
    found = import_runs(two, out)
    small = pl.read_parquet(out).filter(pl.col("run_id") == "small")
    assert small["step"].to_list() == [10, 15, 20]
    assert np.isnan(small["eval/loss"][1])
    told = " ".join(notice.message for notice in found.notices if notice.code == "likely-mapping")
    assert "--metric loss=eval/loss" in told
    assert "--map params=n_params" in told


def test_metrics_after_the_first_stand_only_where_they_were_logged(two: str, out: Path) -> None:
    found = import_runs(two, out, metrics={"loss": "eval/loss", "train/loss": "train/loss"})
    assert found.rows == 4
    (told,) = [notice.message for notice in found.notices if notice.code == "not-in-rows"]
    assert told.startswith("1 values of `train/loss`")


def test_what_is_mapped_beside_is_read_off_between_its_own_steps(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "logs", a="step,loss,seen 10,4.0, 15,,150 20,3.0, 25,,350 30,2.9,")
    import_runs(source, out, metrics={"loss": "loss"}, map={"tokens": "seen"})
    seen = pl.read_parquet(out)["seen"].to_list()
    assert np.isnan([seen[0], seen[2]]).all()
    assert seen[1] == 250


def test_tokens_by_a_product_of_settings(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "logs", a="step,batch,seq,loss 10,4,8,2.0 20,4,8,1.9")
    found = import_runs(source, out, metrics={"loss": "loss"}, batch_tokens="batch*config.seq*2")
    assert pl.read_parquet(out)["tokens"].to_list() == [640.0, 1280.0]
    assert tomllib.loads(found.map_file.read_text())["import"]["tokens"] == "step x batch x seq x 2"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_a_logged_batch_counts_as_a_sum_over_steps(sizes: list[int]) -> None:
    """`sizes[s]` is the batch of the step after step s."""
    changes = [0, *(step for step in range(1, len(sizes)) if sizes[step] != sizes[step - 1])]
    logged = Series(np.array(changes, float), np.array([sizes[step] for step in changes], float))
    steps = np.arange(len(sizes) + 1.0)
    seen = batch_tokens(("batch", 2.0), Record("a", {}), {"batch": logged}, steps)
    assert seen.tolist() == [2.0 * sum(sizes[:step]) for step in range(len(sizes) + 1)]


def test_a_planned_total_counts_for_the_way_that_was_gone(tmp_path: Path, out: Path) -> None:
    source = write(
        tmp_path / "logs",
        done="step,total,state,loss 50,1000,finished,3.0 100,1000,finished,2.5",
        stopped="step,total,state,loss 50,1000,crashed,3.1",
    )
    options = {"metrics": {"loss": "loss"}, "map": {"tokens": "total"}}
    found = import_runs(source, out, **options)
    tokens = pl.read_parquet(out)["tokens"].to_list()
    assert tokens[:2] == [500.0, 1000.0]
    assert np.isnan(tokens[2])
    assert "not-counted" in codes(found)


def test_planned_steps_tell_what_is_unfinished(tmp_path: Path, out: Path) -> None:
    source = write(
        tmp_path / "logs",
        done="step,max_steps,total,loss 50,100,1000,3.0 100,100,1000,2.5",
        going="step,max_steps,total,loss 20,100,1000,3.1 50,100,1000,2.9",
    )
    options = {"metrics": {"loss": "loss"}, "map": {"tokens": "total", "steps": "max_steps"}}
    found = import_runs(source, out, **options)
    assert found.states == {"finished": 1, "running": 1}
    assert pl.read_parquet(out)["tokens"].to_list() == [500.0, 1000.0, 200.0, 500.0]
    read = read_runs(out, map=found.mapping)
    assert read.columns["run_id"].tolist() == ["done"]


def test_unfinished_crashed_and_diverged_runs_come_in_marked(tmp_path: Path, out: Path) -> None:
    source = write(
        tmp_path / "logs",
        a="step,state,loss,other 1,finished,3,1 2,finished,2.5,1",
        b="step,state,loss,other 1,crashed,3,1 2,crashed,2.9,2",
        c="step,state,loss,other 1,running,3,1 2,running,2.8,2",
        d="step,state,loss,other 1,finished,3,1 2,finished,nan,2",
        e="step,state,loss,other 1,crashed,,1 2,crashed,,2",
    )
    found = import_runs(source, out, metrics={"loss": "loss", "other": "other"})
    assert found.states == {"finished": 1, "crashed": 2, "running": 1, "diverged": 1}
    table = pl.read_parquet(out)
    assert table.filter(pl.col("run_id") == "e")["step"].to_list() == [2]
    assert read_runs(out, map=found.mapping).columns["run_id"].tolist() == ["a"]


def test_a_state_that_is_not_said_is_not_invented(two: str, out: Path) -> None:
    found = import_runs(two, out, metrics={"loss": "eval/loss"})
    assert pl.read_parquet(out)["state"].null_count() == 4
    assert "state-unknown" in codes(found)


def test_a_run_that_stopped_before_its_plan_is_told(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "logs", a="step,state,plan,loss 1,finished,100,3 50,finished,100,2.5")
    found = import_runs(source, out, metrics={"loss": "loss"}, map={"steps": "plan"})
    assert "stopped-early" in codes(found)
    assert found.states == {"finished": 1}


def test_settings_of_the_users_own(two: str, tmp_path: Path, out: Path) -> None:
    (tmp_path / "sizes.csv").write_text("run_name,params,note\nsmall,123,x\nother,4,y\n")
    found = import_runs(two, out, metrics={"loss": "eval/loss"}, settings=tmp_path / "sizes.csv")
    assert found.mapping["params"] == "config.params"
    assert dict(pl.read_parquet(out).select("run_id", "config.params").iter_rows()) == {"small": 123, "large": None}
    (told,) = [notice.message for notice in found.notices if notice.code == "no-settings"]
    assert "1 of 2 runs" in told


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("name,params\nsmall,1\n", "no-run-id"),
        ("run_id,params\nsmall,1\nsmall,2\n", "run-twice"),
        ("run_id,params\nelsewhere,1\n", "no-settings"),
    ],
)
def test_a_table_of_settings_that_does_not_fit_is_refused(
    two: str, tmp_path: Path, out: Path, table: str, code: str
) -> None:
    (tmp_path / "sizes.csv").write_text(table)
    with pytest.raises(Refused) as refused:
        import_runs(two, out, metrics={"loss": "eval/loss"}, settings=tmp_path / "sizes.csv")
    assert refused.value.code == code


def test_a_setting_of_standard_name_is_mapped_unless_it_grows(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "logs", a="step,width,lr,loss 1,64,0.1,3 2,64,0.1,2")
    assert import_runs(source, out, metrics={"loss": "loss"}).mapping == {"loss": "loss", "width": "config.width"}


def test_text_and_numbers_in_one_setting_are_text(tmp_path: Path, out: Path) -> None:
    source = write(tmp_path / "logs", a="step,kind,loss 1,7,3 2,7,2", b="step,kind,loss 1,big,3 2,big,2")
    import_runs(source, out, metrics={"loss": "loss"})
    assert pl.read_parquet(out)["config.kind"].to_list() == ["7.0", "7.0", "big", "big"]


def test_csv_holds_what_parquet_does(two: str, tmp_path: Path, out: Path) -> None:
    options = {"metrics": {"loss": "eval/loss"}, "map": {"params": "n_params"}, "batch_tokens": 7}
    tables = []
    for path in (out, tmp_path / "runs.csv"):
        mapping = import_runs(two, path, **options).mapping
        # A column without a value has no type in CSV.
        tables.append(read_runs(path, map=mapping, rows="all").to_polars().drop("state", "tags"))
    assert tables[0].equals(tables[1])


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"metrics": {"loss": "val/loss"}}, "missing-metric", "`eval/loss`"),
        ({"map": {"params": "size"}}, "missing-metric", "`config.n_params`"),
        ({"batch_tokens": "bs*2"}, "missing-metric", "`bs`"),
        ({"batch_tokens": "-3"}, "bad-option", "above 0"),
        ({"batch_tokens": "2*"}, "bad-option", "product"),
        ({"batch_tokens": 5, "map": {"tokens": "n_params"}}, "given-twice", "`tokens`"),
        ({"step": "iteration"}, "missing-metric", "`iteration`"),
        ({"join": "config.group"}, "no-setting", "`group`"),
        ({"metrics": {"loss": "eval/loss"}, "map": {"loss": "train/loss"}}, "given-twice", "`loss`"),
    ],
)
def test_what_no_run_has_is_refused_with_what_there_is(
    two: str, out: Path, options: dict[str, object], code: str, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        import_runs(two, out, **options)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert said in str(refused.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "code"),
    [("runs.xlsx", "unknown-format"), ("logs/runs.csv", "out-in-source"), ("absent/runs.csv", "no-folder"), ("logs", "no-folder")],
)  # fmt: skip
def test_a_table_that_cannot_be_written_is_refused_before_anything_is_read(
    two: str, tmp_path: Path, name: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        import_runs(two, tmp_path / name)
    assert refused.value.code == code
    assert not list(tmp_path.rglob("*.parts"))


def test_a_password_does_not_stand_in_the_mapping(two: str, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from allometry.runs.imports import importing
    from allometry.runs.sources import find_source

    monkeypatch.setattr(importing, "find_source", lambda text: find_source(two))
    found = import_runs("mlflow:https://me:secret@host/x#e", out, metrics={"loss": "eval/loss"})
    assert "secret" not in found.map_file.read_text()
