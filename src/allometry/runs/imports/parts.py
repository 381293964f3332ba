"""Parts: what was read of each item of a source, kept beside the table so that the next import reads only what changed.

A part is one file, written whole or not at all, with the stamp of what it was read from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from allometry.notices import Notice
from allometry.runs.sources.contract import Record, Series, flat
from allometry.runs.sources.files import digest

# A part of another format is read again from its source.
FORMAT = 1
_ABOUT = "about"


def part_path(folder: Path, source: str, key: str) -> Path:
    """Where an item of a source is kept."""
    return folder / f"{digest([source, key])}.npz"


def save_part(path: Path, record: Record, stamp: str) -> None:
    """One record as one file, by way of another name so that a kill leaves no half of it."""
    about = {
        "format": FORMAT, "stamp": stamp, "metrics": list(record.series), "run_id": record.run_id, "name": record.name,
        "state": record.state, "config": flat(record.config), "tags": record.tags, "origin": record.origin,
        "started": record.started, "logged": record.logged, "counters": record.counters,
        "notices": [[notice.code, notice.message] for notice in record.notices],
    }  # fmt: skip
    arrays: dict[str, Any] = {_ABOUT: np.frombuffer(json.dumps(about, default=str).encode(), np.uint8)}
    for place, series in enumerate(record.series.values()):
        arrays[f"s{place}"], arrays[f"v{place}"] = series
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    partial.replace(path)


def load_part(path: Path, stamp: str | None = None, series: bool = True) -> Record | None:
    """The record of a part, without its numbers where they are not needed.

    None where there is none, or it is of another stamp or format, or damaged.
    """
    try:
        # Opened here, since NumPy leaves a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            about = json.loads(arrays[_ABOUT].tobytes())
            if about["format"] != FORMAT or stamp not in (None, about["stamp"]):
                return None
            return _record(about, arrays if series else None)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None


def _record(about: dict[str, Any], arrays: Any) -> Record:
    found = {} if arrays is None else {
        name: Series(arrays[f"s{place}"], arrays[f"v{place}"]) for place, name in enumerate(about["metrics"])
    }  # fmt: skip
    return Record(
        about["run_id"], found, about["name"], about["state"], about["config"], tuple(about["tags"]), about["origin"],
        about["started"], tuple(Notice(*notice) for notice in about["notices"]), tuple(about["logged"]),
        tuple(about["counters"]),
    )  # fmt: skip
