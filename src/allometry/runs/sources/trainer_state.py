"""`trainer:PATH`: Hugging Face's `trainer_state.json`, one run a folder of checkpoints; needs no library."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from allometry.notices import Notice, Refused
from allometry.runs.sources.contract import Item, Record, Source, Wanted, flat, points_of_rows
from allometry.runs.sources.files import files_below, holds, name_below, read_json, some, stamp

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_CONFIG = "config.json"
_SETTINGS = ("max_steps", "num_train_epochs", "train_batch_size")
# The share of the planned steps from which on a run counts as ended: trainers stop on a whole epoch.
_FINISHED_SHARE = 0.99


def _is_state(name: str) -> bool:
    return name == "trainer_state.json"


def _items(text: str) -> list[Item]:
    root, runs = Path(text), dict[Path, list[Path]]()
    for path in some(list(files_below(root, _is_state)), text, "trainer_state.json"):
        folder = path.parent.parent if _CHECKPOINT.fullmatch(path.parent.name) and path.parent != root else path.parent
        runs.setdefault(folder, []).append(path)
    return [_item(folder, sorted(files, key=_saved), root) for folder, files in runs.items()]


def _saved(path: Path) -> float:
    """When in the run a state was saved; one beside the checkpoints is the last."""
    found = _CHECKPOINT.fullmatch(path.parent.name)
    return float(found.group(1)) if found else float("inf")


def _item(folder: Path, files: list[Path], root: Path) -> Item:
    name = name_below(folder, root if root.is_dir() else folder)
    beside = [file for path in files if (file := path.parent / _CONFIG).is_file()]
    return Item(name, stamp([*files, *beside]), partial(_read, name, files))


def _read(name: str, files: list[Path], wanted: Wanted) -> Record:
    """The last state that can be read: each holds the whole history up to it."""
    notices = list[Notice]()
    for path in reversed(files):
        try:
            return _record(name, path, tuple(notices), wanted)
        except Refused as refused:
            if path is files[0]:
                raise
            notices.append(Notice("truncated", f"{refused.message} in run {name}; the checkpoint before it is read"))
    raise AssertionError("a run has a state")


def _record(name: str, path: Path, notices: tuple[Notice, ...], wanted: Wanted) -> Record:
    state = read_json(path)
    rows = state.get("log_history")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused("no-history", "there is no `log_history` of rows", str(path), "name a trainer_state.json")
    steps = [(float(row["step"]), {key: v for key, v in row.items() if key != "step"}) for row in rows if "step" in row]
    config = {key: state[key] for key in _SETTINGS if key in state}
    beside = path.parent / _CONFIG
    if beside.is_file():
        config |= flat(read_json(beside))
    points = points_of_rows(steps, wanted)
    return Record(name, points.series(), name, _state(state), config, notices=notices, logged=points.logged)


def _state(state: dict[str, Any]) -> str | None:
    done, planned = state.get("global_step"), state.get("max_steps")
    if not isinstance(done, int) or not isinstance(planned, int) or planned <= 0:
        return None
    return "finished" if done >= _FINISHED_SHARE * planned else "running"


SOURCE = Source("trainer", "Hugging Face trainer states", _items, lambda path: holds(path, _is_state))
