"""`tensorboard:DIR`: every scalar of every event file, one run a folder; nothing is sampled down."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from allometry.notices import Notice
from allometry.runs.sources.contract import Item, Points, Record, Source, Wanted, needed
from allometry.runs.sources.files import files_below, holds, name_below, some, stamp
from allometry.runs.sources.tensorboard_frames import read_frames

_HPARAMS, _SCALARS = "hparams", "scalars"
_READS = "TensorBoard's files"
# Status of hparams' api.proto.
_STATES = {1: "finished", 2: "crashed", 3: "running"}
# DataType of TensorFlow's types.proto, as NumPy writes it.
_FLOATS = {1: "<f4", 2: "<f8", 19: "<f2"}


def _is_events(name: str) -> bool:
    return ".tfevents." in name


def _items(text: str) -> list[Item]:
    root = Path(text)
    folders: dict[Path, list[Path]] = {}
    for path in some(list(files_below(root, _is_events)), text, "event file"):
        folders.setdefault(path.parent, []).append(path)
    needed("tensorboard.compat.proto.event_pb2", "tensorboard", _READS)
    return [_item(folder, files, root, folder.parent in folders) for folder, files in folders.items()]


def _item(folder: Path, files: list[Path], root: Path, nested: bool) -> Item:
    name = name_below(folder, root if root.is_dir() else folder)
    above = name_below(folder.parent, root) if nested else ""
    return Item(name, stamp(files), partial(_read, name, above, files))


def _read(name: str, above: str, files: list[Path], wanted: Wanted) -> Record:
    """One folder; where only settings are in it, as PyTorch writes them beside a run, it is part of the run above."""
    found = _Found(wanted)
    for path in files:
        _read_file(path, name, found)
    run = above if above and found.config else name
    return Record(run, found.points.series(), run, found.state, found.config, started=found.started,
                  notices=tuple(found.notices), logged=found.points.logged)  # fmt: skip


def _read_file(path: Path, name: str, found: _Found) -> None:
    event = needed("tensorboard.compat.proto.event_pb2", "tensorboard", _READS).Event
    frames, cut = read_frames(path)
    for frame in frames:
        found.add(event.FromString(frame))
    if cut is not None:
        message = f"{path.name} of run {name} is cut off or damaged after {cut} bytes; what stands before is kept"
        found.notices.append(Notice("truncated", message))
        found.state = found.state or "crashed"


class _Found:
    """What the events of one run have said so far."""

    def __init__(self, wanted: Wanted) -> None:
        self.points = Points(wanted)
        self.config: dict[str, object] = {}
        self.notices: list[Notice] = []
        self.state: str | None = None
        self.started = 0.0

    def add(self, event: Any) -> None:
        self.started = self.started or event.wall_time
        for value in event.summary.value:
            if value.HasField("simple_value"):
                self.points.add(value.tag, float(event.step), float(value.simple_value))
            elif value.metadata.plugin_data.plugin_name == _HPARAMS:
                self._add_settings(value)
            else:
                for number in _scalar(value):
                    self.points.add(value.tag, float(event.step), number)

    def _add_settings(self, value: Any) -> None:
        metadata = needed("tensorboard.plugins.hparams.metadata", "tensorboard", _READS)
        content = value.metadata.plugin_data.content
        if value.tag == metadata.SESSION_START_INFO_TAG:
            given = metadata.parse_session_start_info_plugin_data(content).hparams
            self.config |= {name: getattr(one, one.WhichOneof("kind") or "string_value") for name, one in given.items()}
        elif value.tag == metadata.SESSION_END_INFO_TAG:
            self.state = _STATES.get(metadata.parse_session_end_info_plugin_data(content).status)


def _scalar(value: Any) -> Iterator[float]:
    """The number of a scalar summary that is a tensor without dimensions, as TensorFlow 2 writes it."""
    tensor = value.tensor
    if not value.HasField("tensor") or value.metadata.plugin_data.plugin_name not in (_SCALARS, ""):
        return
    if tensor.tensor_shape.dim or tensor.dtype not in _FLOATS:
        return
    if tensor.tensor_content:
        yield float(np.frombuffer(tensor.tensor_content, _FLOATS[tensor.dtype])[0])
    else:
        yield from map(float, [*tensor.float_val, *tensor.double_val])


SOURCE = Source("tensorboard", "TensorBoard event files", _items, lambda path: holds(path, _is_events), "tensorboard")
