"""An import that was stopped goes on, a second one reads only what changed, and one broken run loses no other."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import polars as pl
import pytest

from allometry.notices import Refused
from allometry.runs import Imported, import_runs
from allometry.runs.imports import collect

RUNS = 10


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(RUNS):
        write(folder, number, "step,loss\n1,4\n2,3\n")
    return folder


def write(folder: Path, number: int, text: str) -> None:
    (folder / f"run{number}.csv").write_text(text)


def bring(logs: Path, jobs: int = 1, **options: object) -> Imported:
    return import_runs(
        f"csv:{logs}", logs.parent / "runs.parquet", jobs=jobs, **{"metrics": {"loss": "loss"}, **options}
    )  # type: ignore[arg-type]


def test_a_second_import_reads_only_what_changed(logs: Path) -> None:
    assert (bring(logs).read, bring(logs).read) == (RUNS, 0)
    write(logs, 3, "step,loss\n1,4\n2,3\n3,2.5\n")
    write(logs, RUNS, "step,loss\n1,4\n")
    again = bring(logs)
    assert (again.read, again.kept, again.runs, again.rows) == (2, RUNS - 1, RUNS + 1, 2 * RUNS + 2)
    (logs / "run0.csv").unlink()
    assert bring(logs).runs == RUNS


def test_other_metrics_are_read_anew(logs: Path) -> None:
    bring(logs)
    write(logs, 0, "step,loss,acc\n1,4,0.1\n")
    assert bring(logs, metrics={"acc": "acc"}).read == RUNS


def test_an_import_that_was_stopped_goes_on(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, real = [], collect.save_part

    def stop_after_four(*words: object) -> None:
        if len(saved) == 4:
            raise KeyboardInterrupt
        saved.append(words)
        real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(collect, "save_part", stop_after_four)
    with pytest.raises(KeyboardInterrupt):
        bring(logs)
    assert not (logs.parent / "runs.parquet").exists()
    monkeypatch.undo()
    found = bring(logs)
    assert (found.kept, found.read) == (4, RUNS - 4)
    assert found.rows == 2 * RUNS


def test_a_part_that_is_damaged_or_half_written_is_read_again(logs: Path) -> None:
    first = bring(logs)
    whole = first.out.read_bytes()
    parts = sorted(first.parts.iterdir())
    parts[0].write_bytes(parts[0].read_bytes()[:100])
    parts[1].write_bytes(b"")
    (first.parts / "left.123.partial").write_bytes(b"PK")
    again = bring(logs)
    assert again.read == 2
    assert again.out.read_bytes() == whole


def test_one_broken_run_loses_no_other(logs: Path) -> None:
    write(logs, 4, "step,loss\n1,4,5,6\n")
    write(logs, 5, "")
    found = bring(logs)
    assert found.runs == RUNS - 2
    assert [failed.item for failed in found.failed] == ["run4.csv", "run5.csv"]
    assert all("run" in failed.message for failed in found.failed)
    assert found.as_json()["complete"] is False
    write(logs, 4, "step,loss\n1,4\n")
    assert bring(logs).read == 1


def test_a_run_cut_off_while_it_was_written_is_told(logs: Path) -> None:
    write(logs, 0, "step,loss\n1,4\n2,3\n3")
    found = bring(logs)
    assert found.rows == 2 * RUNS
    assert [notice.code for notice in found.notices if notice.code != "state-unknown"] == ["truncated"]


def test_nothing_that_can_be_read_is_refused_and_the_old_table_stays(logs: Path) -> None:
    before = bring(logs).out.read_bytes()
    for number in range(RUNS):
        write(logs, number, "")
    with pytest.raises(Refused, match="cannot be read"):
        bring(logs)
    assert (logs.parent / "runs.parquet").read_bytes() == before


def test_a_missing_metric_is_refused_and_what_was_read_is_kept(logs: Path) -> None:
    with pytest.raises(Refused, match="there are `loss`"):
        bring(logs, metrics={"loss": "val"})
    with pytest.raises(Refused):
        bring(logs, metrics={"loss": "val"})
    assert len(list((logs.parent / "runs.parts").glob("*.npz"))) == RUNS


def test_a_fault_of_a_reader_is_a_sentence(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from allometry.runs.sources import csv_folder

    real = csv_folder._frame

    def damaged(name: str, path: Path) -> object:
        if name == "run7.csv":
            raise IndexError("out of everything\nmore")
        return real(name, path)

    monkeypatch.setattr(csv_folder, "_frame", damaged)
    assert bring(logs).failed == (("run7.csv", "it cannot be read (IndexError: out of everything)"),)


def test_several_processes_give_the_same_table(logs: Path) -> None:
    write(logs, 2, "")
    told: dict[str, list[int]] = {}
    found = bring(logs, jobs=2, progress=lambda what, total: nullcontext(told.setdefault(what, []).append))
    assert {what: sum(ticks) for what, ticks in told.items()} == {
        "listing runs": 1, "reading runs": RUNS, "writing rows": RUNS - 1,
    }  # fmt: skip
    assert (found.read, len(found.failed)) == (RUNS - 1, 1)
    parallel = pl.read_parquet(found.out)
    for part in found.parts.iterdir():
        os.unlink(part)
    assert pl.read_parquet(bring(logs).out).equals(parallel)


def test_nothing_is_left_behind_but_table_mapping_and_parts(logs: Path) -> None:
    bring(logs)
    assert {path.name for path in logs.parent.iterdir()} == {"logs", "runs.parquet", "runs.map.toml", "runs.parts"}
