"""`wandb:ENTITY/PROJECT`: the runs of a project with their complete histories, never the sampled ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from allometry.notices import Refused
from allometry.runs.sources.contract import Item, Record, Wanted, foreign, needed, points_of_rows
from allometry.runs.sources.files import digest

STEP = "_step"
# W&B's own counter goes up at every call of `log`, so a step that the run logged itself says more: as the integrations
# of trainers call it, and plain training loops.
COUNTERS = ("train/global_step", "trainer/global_step", "global_step", "step")
# The states that W&B documents for a run.
_STATES = {
    "finished": "finished", "running": "running", "pending": "running", "preempting": "running",
    "crashed": "crashed", "failed": "crashed", "killed": "crashed", "preempted": "crashed",
}  # fmt: skip
_MEND = "check the name, and that you are logged in (wandb login)"
_PAGE = 10_000


def is_own(name: str) -> bool:
    """Whether a column is W&B's own (`_step`, `_runtime`, `_timestamp`, `_wandb.*`) and no metric of the run."""
    return name.startswith("_")


def with_counters(wanted: Wanted) -> Wanted:
    """What is to be read: the metrics that are wanted, and those that may hold the training step."""
    return None if wanted is None else wanted | set(COUNTERS)


def project_items(path: str) -> list[Item]:
    """One item a run of ENTITY/PROJECT."""
    if path.count("/") != 1 or path.startswith(("/", ".")) or path.endswith("/"):
        mend = "write wandb:ENTITY/PROJECT, or wandb:DIR for offline runs"
        raise Refused("no-project", "this is neither a project nor a folder of offline runs", path, mend)
    with foreign("reading the W&B project", path, _MEND):
        # Without `lazy=False` each run's settings would be one more request.
        return [_item(run, path) for run in _api().runs(path, per_page=200, lazy=False)]


@lru_cache(maxsize=1)
def _api() -> Any:
    return needed("wandb", "wandb", "a W&B project").Api()


def _item(run: Any, path: str) -> Item:
    stamp = digest([run.state, run.heartbeat_at, run.name, sorted(run.tags), dict(run.config)])
    return Item(run.id, stamp, partial(_read, path, run.id))


def _read(path: str, run_id: str, wanted: Wanted) -> Record:
    with foreign(f"reading the W&B run {run_id}", path, _MEND):
        run = _api().run(f"{path}/{run_id}")
        points = points_of_rows(_rows(run), with_counters(wanted))
        config = {name: value for name, value in run.config.items() if not name.startswith("_")}
        return Record(
            run.id, points.series(), run.name or "", _STATES.get(run.state, "running"), config, tuple(run.tags),
            path, _time(run.created_at), (), points.logged, COUNTERS,
        )  # fmt: skip


def _rows(run: Any) -> Iterator[tuple[float, Mapping[str, object]]]:
    """Every row; `history()` would sample 500 of them."""
    for place, row in enumerate(run.scan_history(page_size=_PAGE)):
        yield float(row.get(STEP, place)), {name: value for name, value in row.items() if not is_own(name)}


def _time(text: object) -> float:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
