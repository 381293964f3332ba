"""`wandb:ENTITY/PROJECT`: the runs of a project with their complete histories, never the sampled ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from allometry.notices import Refused
from allometry.runs.sources.contract import Item, Record, foreign, needed, series_of_rows
from allometry.runs.sources.files import digest
from allometry.runs.sources.wandb_steps import STEP, by_logged_step

# The states that W&B documents for a run.
_STATES = {
    "finished": "finished", "running": "running", "pending": "running", "preempting": "running",
    "crashed": "crashed", "failed": "crashed", "killed": "crashed", "preempted": "crashed",
}  # fmt: skip
_MEND = "check the name, and that you are logged in (wandb login)"


def project_items(path: str) -> list[Item]:
    """One item a run of ENTITY/PROJECT."""
    if path.count("/") != 1 or path.startswith("/") or path.endswith("/"):
        mend = "write wandb:ENTITY/PROJECT, or wandb:DIR for offline runs"
        raise Refused("no-project", "this is neither a project nor a folder of offline runs", path, mend)
    wandb = needed("wandb", "wandb", "a W&B project")
    with foreign("reading the W&B project", path, _MEND):
        return [_item(run, path) for run in wandb.Api().runs(path)]


def _item(run: Any, path: str) -> Item:
    stamp = digest([run.state, run.lastHistoryStep, run.name, sorted(run.tags), dict(run.config)])
    return Item(run.id, stamp, lambda: _read(run, path))


def _read(run: Any, path: str) -> Record:
    with foreign(f"reading the W&B run {run.id}", path, _MEND):
        series = series_of_rows(_rows(run))
    config = {name: value for name, value in run.config.items() if not name.startswith("_")}
    return Record(
        run.id, by_logged_step(series), run.name or "", _STATES.get(run.state, "running"),
        config, tuple(run.tags), path, _time(run.created_at),
    )  # fmt: skip


def _rows(run: Any) -> Iterator[tuple[float, Mapping[str, object]]]:
    """Every row; `history()` would sample 500 of them."""
    for place, row in enumerate(run.scan_history()):
        yield float(row.get(STEP, place)), row


def _time(text: object) -> float:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
