"""`wandb:DIR`: offline runs as W&B left them on disk (`wandb/offline-run-*/run-*.wandb`)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from allometry.notices import Notice, Refused
from allometry.runs.sources.contract import Item, Points, Record, Source, Wanted, as_number, flat, needed
from allometry.runs.sources.files import files_below, holds, name_below, some, stamp
from allometry.runs.sources.wandb_frames import Frames
from allometry.runs.sources.wandb_project import COUNTERS, STEP, is_own, project_items, with_counters

_PROTOCOL, _READS = "wandb.proto.wandb_internal_pb2", "W&B's offline files"


def _is_run(name: str) -> bool:
    return name.endswith(".wandb")


def _items(text: str) -> list[Item]:
    root = Path(text)
    if not root.exists():
        return project_items(text)
    found = some(list(files_below(root, _is_run)), text, ".wandb file")
    needed(_PROTOCOL, "wandb", _READS)
    return [_item(path, root) for path in found]


def _item(path: Path, root: Path) -> Item:
    name = name_below(path, root)
    return Item(name, stamp([path]), partial(_read, path, name))


def _read(path: Path, name: str, wanted: Wanted) -> Record:
    message = needed(_PROTOCOL, "wandb", _READS).Record
    frames, found = Frames(path), _Found(with_counters(wanted))
    summary = _tag(message, "summary")
    for frame in frames:
        if not _begins_with(frame, summary):
            found.add(message.FromString(frame))
    run = found.run
    if run is None:
        raise Refused("no-run", "the file ends before it says which run it is of", str(path), "the run wrote nothing")
    cut = Notice("truncated", f"{name} is cut off or damaged after {frames.cut} bytes; what stands before is kept")
    return Record(
        run.run_id, found.points.series(), run.display_name, _state(found.code), found.config, tuple(run.tags),
        f"{run.entity}/{run.project}".strip("/"), run.start_time.seconds + run.start_time.nanos / 1e9, () if frames.cut is None else (cut,),
        found.points.logged, COUNTERS,
    )  # fmt: skip


def _tag(message: Any, name: str) -> int:
    """The byte before a field of a message, by the protocol-buffer wire format: its number, and that it has a length."""
    return int(message.DESCRIPTOR.fields_by_name[name].number) << 3 | 2


def _begins_with(frame: bytes, tag: int) -> bool:
    """Whether that field stands right behind the record's number: two of three records are summaries, which say nothing
    that the history does not, and to parse them takes a third of the time.
    """
    place = 1
    while place < len(frame) and frame[place] & 0x80:
        place += 1
    return frame[:1] == b"\x08" and frame[place + 1 : place + 2] == bytes([tag])


def _state(code: int | None) -> str:
    """Without a record of its exit a run is going on, or ended without a word."""
    if code is None:
        return "running"
    return "finished" if code == 0 else "crashed"


class _Found:
    """What the records of one file have said so far."""

    def __init__(self, wanted: Wanted) -> None:
        self.run: Any = None
        self.code: int | None = None
        self.config: dict[str, object] = {}
        self.points = Points(wanted)
        self._rows = 0

    def add(self, record: Any) -> None:
        kind = record.WhichOneof("record_type")
        if kind == "history":
            self._add_row(record.history)
        elif kind == "run":
            self.run = record.run
            self._configure(record.run.config)
        elif kind == "config":
            self._configure(record.config)
        elif kind == "exit":
            self.code = record.exit.exit_code

    def _configure(self, config: Any) -> None:
        for entry in config.update:
            if not _key(entry).startswith("_"):
                self.config[_key(entry)] = json.loads(entry.value_json)

    def _add_row(self, history: Any) -> None:
        row = {_key(entry): entry.value_json for entry in history.item}
        step = float(row.get(STEP) or (history.step.num if history.HasField("step") else self._rows))
        self._rows += 1
        for name, text in row.items():
            if not is_own(name):
                self._add_value(name, step, text)

    def _add_value(self, name: str, step: float, text: str) -> None:
        """One number as a rule, several where a mapping was logged, none in a text."""
        try:
            self.points.add(name, step, float(text))
        except ValueError:
            for full, value in flat({name: json.loads(text)}).items():
                number = as_number(value)
                if number is not None:
                    self.points.add(full, step, number)


def _key(entry: Any) -> str:
    nested = entry.nested_key
    # The names are as a rule one nested key each, and there are tens of millions of them.
    return str(nested[0]) if len(nested) == 1 else str(entry.key) or ".".join(nested)


SOURCE = Source(
    "wandb", "a W&B project (wandb:ENTITY/PROJECT) or offline runs", _items, lambda path: holds(path, _is_run), "wandb"
)
