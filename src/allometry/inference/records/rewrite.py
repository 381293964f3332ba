"""Erasing records, and handing them on without their texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from allometry.inference.records.lock import take_lock
from allometry.inference.records.privacy import Keep, Line, check_keep, kept
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
        left, gone = _parted(read_lines(folder), where)
        write_table(folder, list(frames(iter(left))))
        return len(gone)
    finally:
        os.close(lock)


def to_scrub(folder: str | Path, where: Callable[[Line], bool]) -> list[Line]:
    """The lines that `scrub` would erase, of which nothing is changed."""
    return _parted(read_lines(folder), where)[1]


def _parted(lines: Iterable[Line], where: Callable[[Line], bool]) -> tuple[list[Line], list[Line]]:
    """What is left and what goes: whatever is picked, and prompts that nothing is left of."""
    before = list(lines)
    picked = [line["kind"] != "prompt" and where(line) for line in before]
    asked = {line.get("prompt") for line, gone in zip(before, picked, strict=True) if not gone}
    left: list[Line] = []
    goes: list[Line] = []
    for line, gone in zip(before, picked, strict=True):
        (goes if gone or (line["kind"] == "prompt" and line["key"] not in asked) else left).append(line)
    return left, goes


def export(folder: str | Path, to: str | Path, keep: Keep = "hashes") -> int:
    """Copy the records into another folder without their texts: hashes for them, or with "meters" nothing.

    Errors: `Refused` where the other folder holds anything already, or cannot be written.
    """
    if check_keep(keep) == "text":
        raise Refused("keeps-text", "a copy for others holds no texts", "--keep", "give hashes or meters")
    lines, to = [kept(line, keep, None) for line in read_lines(folder)], Path(to)
    try:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            "cannot-write", f"this folder cannot be made: {error.strerror}", str(to), "name another"
        ) from None
    if any(to.iterdir()):
        raise Refused("folder-not-empty", "the folder to export to is not empty", str(to), "name another")
    write_table(to, list(frames(iter(lines))))
    return len(lines)
