"""A W&B project through its public API: a stand-in with the documented objects, which counts what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from allometry.notices import Refused
from allometry.runs import Imported, import_runs
from allometry.runs.sources import wandb_project

pytestmark = pytest.mark.importers


class FakeRun:
    """wandb.apis.public.Run: `id`, `name`, `state`, `tags`, `config`, `created_at`, `heartbeat_at`, `scan_history`."""

    def __init__(self, api: FakeApi, run_id: str, rows: list[dict[str, Any]], **more: Any) -> None:
        self._api, self.id, self._rows = api, run_id, rows
        self.name = more.get("name", run_id)
        self.state = more.get("state", "finished")
        self.tags, self.config = ["sweep"], {"n_params": 1e6, "_wandb": {}, "model": {"width": 64}}
        self.created_at, self.heartbeat_at = "2026-01-02T03:04:05Z", more.get("heartbeat", "2026-01-02T04:00:00Z")

    def scan_history(self, page_size: int = 1000) -> Iterator[Mapping[str, Any]]:
        self._api.scanned.append(self.id)
        yield from self._rows

    def history(self, *_: Any, **__: Any) -> None:
        raise AssertionError("a sampled history was asked for")


class FakeApi:
    """wandb.Api: `runs(path, per_page, lazy)` and `run(path/id)`."""

    def __init__(self) -> None:
        self.scanned: list[str] = []
        self.known: dict[str, FakeRun] = {}

    def add(self, run_id: str, rows: list[dict[str, Any]], **more: Any) -> None:
        self.known[run_id] = FakeRun(self, run_id, rows, **more)

    def runs(self, path: str, per_page: int = 50, lazy: bool = True) -> list[FakeRun]:
        if path != "lab/ladder":
            raise ValueError(f"Could not find project {path}\nHTTP 404")
        assert not lazy
        return list(self.known.values())

    def run(self, path: str) -> FakeRun:
        return self.known[path.removeprefix("lab/ladder/")]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(wandb_project, "_api", lambda: fake)
    # 1,200 rows: more than the 500 that a sampled history would give.
    rows = [{"_step": i, "_runtime": 1.0, "train/global_step": 10 * i, "eval/loss": 4 - i / 1000} for i in range(1200)]
    fake.add("a", rows)
    fake.add("b", [{"_step": 0, "eval/loss": 4.0}, {"_step": 7, "eval/loss": "NaN"}], state="crashed")
    fake.add("c", [{"_step": 0, "train/loss": 4.0}], state="preempting")
    return fake


def bring(tmp_path: Path, path: str = "lab/ladder") -> Imported:
    return import_runs(
        f"wandb:{path}", tmp_path / "runs.parquet", metrics={"loss": "eval/loss"}, map={"params": "n_params"}
    )


def test_histories_are_complete_and_by_training_step(api: FakeApi, tmp_path: Path) -> None:
    found = bring(tmp_path)
    table = pl.read_parquet(found.out)
    whole = table.filter(pl.col("run_id") == "a")
    assert whole["step"].to_list() == [10 * i for i in range(1200)]
    assert table.filter(pl.col("run_id") == "b")["step"].to_list() == [0, 7]
    assert found.states == {"finished": 1, "diverged": 1, "running": 1}
    assert set(table["tags"]) == {"sweep"}
    assert [name for name in table.columns if name.startswith("config.")] == ["config.n_params", "config.model.width"]


def test_a_second_import_scans_only_what_changed(api: FakeApi, tmp_path: Path) -> None:
    bring(tmp_path)
    assert sorted(api.scanned) == ["a", "b", "c"]
    api.scanned.clear()
    api.add("c", [{"_step": 0, "eval/loss": 3.0}], heartbeat="2026-01-03T00:00:00Z")
    found = bring(tmp_path)
    assert api.scanned == ["c"]
    assert (found.read, found.kept) == (1, 2)


def test_a_wrong_project_is_one_sentence(api: FakeApi, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        bring(tmp_path, "lab/other")
    assert str(refused.value) == (
        "reading the W&B project failed: Could not find project lab/other (lab/other): "
        "check the name, and that you are logged in (wandb login)"
    )


def test_a_run_whose_history_fails_loses_no_other(api: FakeApi, tmp_path: Path) -> None:
    def fail(page_size: int = 1000) -> Iterator[Mapping[str, Any]]:
        raise TimeoutError("read timed out")
        yield {}

    api.known["b"].scan_history = fail  # type: ignore[method-assign]
    found = bring(tmp_path)
    assert found.runs == 2
    (failed,) = found.failed
    assert "read timed out" in failed.message
    api.add("b", [{"_step": 0, "eval/loss": 3.0}])
    assert bring(tmp_path).read == 1


def test_the_stand_in_has_no_other_face_than_the_real_one() -> None:
    """Each name and argument that is used here is one of the library's own."""
    import inspect

    import wandb
    from wandb.apis.public import Run

    assert {"path", "per_page", "lazy"} <= inspect.signature(wandb.Api.runs).parameters.keys()
    assert "page_size" in inspect.signature(Run.scan_history).parameters
    assert "path" in inspect.signature(wandb.Api.run).parameters
    from wandb.apis.public.runs import RUN_FRAGMENT

    for field in ("heartbeatAt", "createdAt", "displayName", "tags", "state", "config"):
        assert field in RUN_FRAGMENT
