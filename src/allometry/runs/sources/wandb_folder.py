"""`wandb:DIR`: offline runs as W&B left them on disk (`wandb/offline-run-*/run-*.wandb`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from allometry.notices import Notice, Refused
from allometry.runs.sources.contract import Item, Record, Source, needed, series_of_rows
from allometry.runs.sources.files import files_below, holds, name_below, some, stamp
from allometry.runs.sources.wandb_frames import Frames
from allometry.runs.sources.wandb_project import project_items
from allometry.runs.sources.wandb_steps import STEP, by_logged_step


def _is_run(name: str) -> bool:
    return name.endswith(".wandb")


def _items(text: str) -> list[Item]:
    root = Path(text)
    if not root.exists():
        return project_items(text)
    return [_item(path, root) for path in some(list(files_below(root, _is_run)), text, ".wandb file")]


def _item(path: Path, root: Path) -> Item:
    name = name_below(path, root)
    return Item(name, stamp([path]), lambda: _read(path, name))


def _read(path: Path, name: str) -> Record:
    messages = needed("wandb.proto.wandb_internal_pb2", "wandb", "W&B's offline files")
    frames, found = Frames(path), _Found()
    for frame in frames:
        found.add(messages.Record.FromString(frame))
    if found.run is None:
        raise Refused("no-run", "the file ends before it says which run it is of", str(path), "the run wrote nothing")
    cut = Notice("truncated", f"{name} is cut off or damaged after {frames.cut} bytes; what stands before is kept")
    run = found.run
    return Record(
        run.run_id, by_logged_step(series_of_rows(found.rows())), run.display_name, _state(found.code), found.config,
        tuple(run.tags), f"{run.entity}/{run.project}", run.start_time.seconds, () if frames.cut is None else (cut,),
    )  # fmt: skip


def _state(code: int | None) -> str:
    """Without a record of its exit a run is going on, or ended without a word."""
    if code is None:
        return "running"
    return "finished" if code == 0 else "crashed"


class _Found:
    """What the records of one file have said so far."""

    def __init__(self) -> None:
        self.run: Any = None
        self.code: int | None = None
        self.config: dict[str, object] = {}
        self.history: list[Any] = []

    def add(self, record: Any) -> None:
        kind = record.WhichOneof("record_type")
        if kind == "run":
            self.run = record.run
            self._configure(record.run.config)
        elif kind == "config":
            self._configure(record.config)
        elif kind == "history":
            self.history.append(record.history)
        elif kind == "exit":
            self.code = record.exit.exit_code

    def _configure(self, config: Any) -> None:
        for entry in config.update:
            if not _key(entry).startswith("_"):
                self.config[_key(entry)] = json.loads(entry.value_json)

    def rows(self) -> Iterator[tuple[float, Mapping[str, object]]]:
        for place, history in enumerate(self.history):
            row = {_key(entry): json.loads(entry.value_json) for entry in history.item}
            yield float(row.get(STEP, history.step.num if history.HasField("step") else place)), row


def _key(entry: Any) -> str:
    return ".".join(entry.nested_key) or str(entry.key)


SOURCE = Source(
    "wandb", "a W&B project (wandb:ENTITY/PROJECT) or offline runs", _items, lambda path: holds(path, _is_run), "wandb"
)
