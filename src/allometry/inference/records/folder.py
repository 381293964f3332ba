"""The records of a sweep: read what is there, append what comes, give back what a call asks for.

Answers are kept by group (one strategy on one problem at one seed, all budgets), because only the answers of a group
can be used again by it; a group that is done is forgotten, so memory does not grow with a sweep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from allometry.inference.records.lock import take_lock
from allometry.inference.records.privacy import Keep, Line, Redact, check_keep, kept, mask
from allometry.inference.records.segments import append, encode, new_segment, read_segment, segments
from allometry.inference.records.table import compact, read_table
from allometry.notices import Refused

if TYPE_CHECKING:
    import polars

REPLAYED = frozenset({"sample", "effect"})


class Records:
    """Records in a folder, or in memory only where no folder is given; the one writer of them while open.

    Use it in a `with` statement; at its end the segments are compacted into one Parquet file. `keep` and `redact` are
    applied before anything is written, and `secrets` are blotted out of whatever text holds them.
    Errors: `Refused` while another process writes to the folder, and for files that are no records.

    >>> with Records() as records:
    ...     records.append([{"kind": "sample", "key": "0", "group": "g", "content": "7"}])
    ...     [line["content"] for line in records.answers("g")["0"]]
    ['7']
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        keep: str = "text",
        redact: Redact | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self.keep: Keep = check_keep(keep)
        self._redact, self._secrets = redact, tuple(secrets)
        self._groups: dict[str, dict[str, list[Line]]] = {}
        self._raw: dict[str, list[bytes]] = {}
        self._slices: dict[str, tuple[int, int]] = {}
        self._table: polars.DataFrame | None = None
        self._forgotten: set[str] = set()
        self._prompts: set[str] = set()
        self._file: FileIO | None = None
        self._lock: int | None = None
        self.episodes: dict[str, list[Line]] = {}
        self.probes: dict[str, Line] = {}
        if self.folder is not None:
            self._open(self.folder)

    def append(self, lines: Sequence[Line]) -> None:
        """Keep lines, and write them before anybody uses what they hold."""
        for line in lines:
            self._note(line)
            if line["kind"] in REPLAYED:
                self.answers(line["group"]).setdefault(line["key"], []).append(line)
        if self._file is not None:
            self._write(self._file, [self._encoded(line) for line in lines])

    def hide(self, secrets: Iterable[str]) -> None:
        """Blot these out as well, in whatever is written from now on."""
        self._secrets = tuple(dict.fromkeys((*self._secrets, *secrets)))

    def knows_prompt(self, key: str) -> bool:
        """Whether what was asked under this hash has been written already."""
        return key in self._prompts

    def answers(self, group: str) -> dict[str, list[Line]]:
        """The answers of a group whose texts are whole, by key, in the order in which they came."""
        if group not in self._groups:
            found: dict[str, list[Line]] = {}
            for line in (*self._compacted(group), *self._live(group)):
                if "kept" not in line:
                    found.setdefault(line["key"], []).append(line)
            self._groups[group] = found
        return self._groups[group]

    def forget(self, group: str) -> None:
        """Let go of a group, for it is done; should it be asked about all the same, the folder is read again."""
        if self.folder is not None:
            self._forgotten.add(group)
        self._groups.pop(group, None)
        self._raw.pop(group, None)

    def close(self, *, compacted: bool = True) -> None:
        """Give the folder back, its segments turned into one file unless told otherwise."""
        if self._file is None or self.folder is None:
            return
        self._file.close()
        self._file = None
        try:
            if compacted:
                compact(self.folder)
        finally:
            if self._lock is not None:
                os.close(self._lock)

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(compacted=error is None)

    def _open(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = take_lock(folder)
            self._read(folder)
            self._file = new_segment(folder)
        except BaseException as error:
            if self._lock is not None:
                os.close(self._lock)
            if not isinstance(error, OSError):
                raise
            raise Refused("cannot-write", f"records cannot be written: {error.strerror}", str(folder),
                          "name a folder of your own") from None  # fmt: skip

    def _write(self, file: FileIO, lines: Sequence[bytes]) -> None:
        try:
            append(file, lines)
        except (OSError, ValueError) as error:
            file.close()  # nothing may be written behind a torn line
            raise Refused("cannot-write", f"records cannot be written: {error}", str(self.folder),
                          "make room and start again: what was received is kept") from None  # fmt: skip

    def _read(self, folder: Path) -> None:
        self._table = read_table(folder)
        if self._table is not None:
            self._index(self._table)
        for path in segments(folder):
            for raw, line in read_segment(path):
                self._note(line)
                if line["kind"] in REPLAYED:
                    self._raw.setdefault(line["group"], []).append(raw)

    def _index(self, table: polars.DataFrame) -> None:
        """Where in the table each group lies; it is sorted by group."""
        start = 0
        for name, count in table.group_by("group", maintain_order=True).len().iter_rows():
            self._slices[name] = (start, count)
            start += count
        others = table.filter(~table["kind"].is_in([*REPLAYED, "sent", "failure"]))
        for row in others.iter_rows(named=True):
            self._note(_held(row))

    def _note(self, line: Line) -> None:
        if line["kind"] == "prompt":
            self._prompts.add(line["key"])
        elif line["kind"] == "episode":
            self.episodes.setdefault(line["key"], []).append(line)
        elif line["kind"] == "probe":
            self.probes[line["key"]] = line

    def _compacted(self, name: str) -> list[Line]:
        if self._table is None or name not in self._slices:
            return []
        start, count = self._slices[name]
        rows = self._table.slice(start, count).iter_rows(named=True)
        return [_held(row) for row in rows if row["kind"] in REPLAYED]

    def _live(self, group: str) -> list[Line]:
        if group not in self._forgotten or self.folder is None:
            return [json.loads(raw) for raw in self._raw.pop(group, ())]
        self._forgotten.discard(group)
        read = (line for path in segments(self.folder) for _, line in read_segment(path))
        return [line for line in read if line["kind"] in REPLAYED and line["group"] == group]

    def _encoded(self, line: Line) -> bytes:
        line = kept(line, self.keep, self._redact)
        if self._secrets:
            line = {name: mask(v, self._secrets) if isinstance(v, str) else v for name, v in line.items()}
        return encode(line)


def _held(row: Line) -> Line:
    return {name: value for name, value in row.items() if value is not None}
