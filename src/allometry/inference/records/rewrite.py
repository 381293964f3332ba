"""Erasing records, and handing them on without their texts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from allometry.inference.records.lock import take_lock
from allometry.inference.records.privacy import Keep, Line, kept
from allometry.inference.records.table import compact, frames, read_lines, write_table
from allometry.notices import Refused


def scrub(folder: str | Path, where: Callable[[Line], bool]) -> int:
    """Erase the lines that a function picks, and prompts that nothing is left of; how many lines went.

    The files are written anew, whole or not at all: what was erased is in none of them. Not for a folder that a sweep
    writes to. What was erased is asked for again by whoever goes on with the sweep.
    Errors: `Refused` while another process writes to the folder.
    """
    folder = Path(folder)
    next(read_lines(folder), None)  # refuses what is no folder of records
    lock = take_lock(folder)
    try:
        compact(folder)
        before = list(read_lines(folder))
        left = [line for line in before if line["kind"] == "prompt" or not where(line)]
        asked = {line.get("prompt") for line in left}
        left = [line for line in left if line["kind"] != "prompt" or line["key"] in asked]
        write_table(folder, list(frames(iter(left))))
        return len(before) - len(left)
    finally:
        os.close(lock)


def export(folder: str | Path, to: str | Path, keep: Keep = "hashes") -> int:
    """Copy the records into another folder without their texts: hashes for them, or with "meters" nothing.

    Errors: `Refused` where the other folder holds records already.
    """
    lines = [kept(line, keep, None) for line in read_lines(folder)]
    to = Path(to)
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(to.iterdir()):
        raise Refused("folder-not-empty", "the folder to export to is not empty", str(to), "name another")
    write_table(to, list(frames(iter(lines))))
    return len(lines)
