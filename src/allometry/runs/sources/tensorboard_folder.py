"""`tensorboard:DIR`: every scalar of every event file, one run a folder; nothing is sampled down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from allometry.notices import Notice
from allometry.runs.sources.contract import Item, Record, Series, Source, needed
from allometry.runs.sources.files import files_below, holds, name_below, some, stamp

# A record is its length and the checksum of that, the bytes, and their checksum.
_FRAME = 16
_HPARAMS, _SCALARS = "hparams", "scalars"


def _is_events(name: str) -> bool:
    return ".tfevents." in name


def _items(text: str) -> list[Item]:
    root = Path(text)
    folders: dict[Path, list[Path]] = {}
    for path in some(list(files_below(root, _is_events)), text, "event file"):
        folders.setdefault(path.parent, []).append(path)
    return [_item(folder, files, root) for folder, files in folders.items()]


def _item(folder: Path, files: list[Path], root: Path) -> Item:
    name = name_below(folder, root if root.is_dir() else folder)
    return Item(name, stamp(files), lambda: _read(name, files))


def _read(name: str, files: list[Path]) -> Record:
    loader = needed("tensorboard.backend.event_processing.event_file_loader", "tensorboard", "TensorBoard's files")
    events = needed("tensorboard.compat.proto.event_pb2", "tensorboard", "TensorBoard's files")
    found = _Found()
    for path in files:
        read = 0
        for raw in loader.RawEventFileLoader(str(path)).Load():
            read += len(raw) + _FRAME
            found.add(events.Event.FromString(raw))
        if read != path.stat().st_size:
            found.notices.append(
                Notice(
                    "truncated",
                    f"{path.name} of run {name} is cut off or damaged after {read} bytes; what stands before is kept",
                )
            )
    return Record(
        name, found.series(), name, _state(found), found.config, started=found.started, notices=tuple(found.notices)
    )


def _state(found: _Found) -> str | None:
    return "crashed" if found.notices and found.state != "finished" else found.state


class _Found:
    """What the events of one run have said so far."""

    def __init__(self) -> None:
        self.points: dict[str, tuple[list[float], list[float]]] = {}
        self.config: dict[str, object] = {}
        self.notices: list[Notice] = []
        self.state: str | None = None
        self.started = 0.0

    def add(self, event: Any) -> None:
        self.started = self.started or event.wall_time
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == _HPARAMS:
                self._add_settings(value)
            for number in _scalar(value):
                steps, values = self.points.setdefault(value.tag, ([], []))
                steps.append(float(event.step))
                values.append(number)

    def _add_settings(self, value: Any) -> None:
        metadata = needed("tensorboard.plugins.hparams.metadata", "tensorboard", "TensorBoard's files")
        content = value.metadata.plugin_data.content
        if value.tag == metadata.SESSION_START_INFO_TAG:
            given = metadata.parse_session_start_info_plugin_data(content).hparams
            self.config |= {name: getattr(one, one.WhichOneof("kind") or "string_value") for name, one in given.items()}
        elif value.tag == metadata.SESSION_END_INFO_TAG:
            status = metadata.parse_session_end_info_plugin_data(content).status
            # Status of hparams' api.proto: 1 success, 2 failure, 3 running.
            self.state = {1: "finished", 2: "crashed", 3: "running"}.get(status)

    def series(self) -> dict[str, Series]:
        return {tag: Series(np.array(steps), np.array(values)) for tag, (steps, values) in self.points.items()}


def _scalar(value: Any) -> Iterator[float]:
    """The number of a scalar summary of either form: the old plain field, or a tensor of one element."""
    if value.HasField("simple_value"):
        yield float(value.simple_value)
    elif value.HasField("tensor") and value.metadata.plugin_data.plugin_name in (_SCALARS, ""):
        tensor = value.tensor
        if len(tensor.float_val) == 1:
            yield float(tensor.float_val[0])
        elif len(tensor.double_val) == 1:
            yield float(tensor.double_val[0])
        elif len(tensor.tensor_content) == 4 and tensor.dtype == 1:
            yield float(np.frombuffer(tensor.tensor_content, "<f4")[0])
        elif len(tensor.tensor_content) == 8 and tensor.dtype == 2:
            yield float(np.frombuffer(tensor.tensor_content, "<f8")[0])


SOURCE = Source("tensorboard", "TensorBoard event files", _items, lambda path: holds(path, _is_events), "tensorboard")
