"""The ledger of a fit: JSON lines in a file beside it, only ever added to.

Lines are added under a lock and in one write. A line that a kill tore is passed over by readers and closed off by the
next writer. Two ledgers are joined by putting their lines together: an entry counts once.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import TypeAlias

from allometry.history.entries import VERSION, Check, Said, read_entry
from allometry.notices import Notice, Refused

SUFFIX = ".ledger.jsonl"
Entry: TypeAlias = Said | Check


@dataclass(frozen=True)
class Ledger:
    """What was said, in order, and the checks of it; `notices` tell of lines that could not be read."""

    said: tuple[Said, ...] = ()
    checks: tuple[Check, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.said, *self.checks)

    def checks_of(self, said: Said) -> tuple[Check, ...]:
        """The runs that came out where this had been said, the last look at each."""
        return tuple({check.run or check.mark: check for check in self.checks if check.of == said.id}.values())

    def without_rows(self) -> Ledger:
        """The same without anything that was measured, and without what was said right beside a fitted run."""
        kept = (said for said in self.said if not said.near)
        return Ledger(tuple(replace(said, fit=replace(said.fit, some=())) for said in kept))


def ledger_path(fit: str | Path) -> Path:
    """The ledger's file of a saved fit.

    >>> ledger_path("fits/june.json").name
    'june.json.ledger.jsonl'
    """
    path = Path(fit)
    return path.with_name(path.name + SUFFIX)


def read_ledger(path: str | Path) -> Ledger:
    """All that a ledger holds, each entry once; an empty ledger where there is no file.

    Errors: `Refused` for a file that cannot be read or has lines of a newer version.
    """
    path = Path(path)
    try:
        contents = path.read_bytes()
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise Refused(
            "cannot-read", f"the ledger cannot be read: {error.strerror}", str(path), "mend its permissions"
        ) from None
    return _ledger(contents, str(path))


def append(path: str | Path, entries: Iterable[Entry]) -> int:
    """Add the entries that are not there yet; how many those were.

    Several writers at once lose nothing. Errors: `OSError` where the file cannot be written; `Refused` as `read_ledger`.
    """
    wanted = {_key(entry): entry for entry in entries}
    if not wanted:
        return 0
    with open(path, "a+b", buffering=0) as file, _locked(file):
        file.seek(0)
        contents = file.readall() or b""
        for entry in _ledger(contents, str(path)).entries:
            wanted.pop(_key(entry), None)
        lines = [json.dumps(entry.as_line(), allow_nan=False) + "\n" for entry in wanted.values()]
        closing = "" if not lines or not contents or contents.endswith(b"\n") else "\n"
        _write(file, (closing + "".join(lines)).encode())
    return len(lines)


def write_ledger(path: str | Path, ledger: Ledger) -> Path:
    """Write a whole ledger in the place of what is there, such as a copy to hand on.

    Errors: `Refused` where the file cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.unlink(missing_ok=True)
        append(partial, ledger.entries)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise Refused(
            "cannot-write", f"the ledger cannot be written: {error.strerror}", str(path), "choose a folder that exists"
        ) from None
    return path


def _ledger(contents: bytes, where: str) -> Ledger:
    found, torn = dict[object, Entry](), list[int]()
    for number, line in enumerate(contents.split(b"\n"), 1):
        if line.strip():
            entry = _entry(line, f"{where}, line {number}")
            if entry is None:
                torn.append(number)
            else:
                found.setdefault(_key(entry), entry)
    said = tuple(entry for entry in found.values() if isinstance(entry, Said))
    return Ledger(said, tuple(entry for entry in found.values() if isinstance(entry, Check)), _notices(torn, where))


def _entry(line: bytes, where: str) -> Entry | None:
    """The entry of a line, None for one that is torn or damaged."""
    try:
        contents = json.loads(line)
        version = int(contents["ledger"])
        if version <= VERSION:
            return read_entry(contents)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    raise Refused(
        "newer-ledger",
        f"the line is of version {version}; this program reads up to {VERSION}",
        where,
        "upgrade allometry",
    )


def _key(entry: Entry) -> object:
    return entry.id if isinstance(entry, Said) else (entry.of, entry.mark)


def _notices(torn: list[int], where: str) -> tuple[Notice, ...]:
    if not torn:
        return ()
    lines = "line " + str(torn[0]) if len(torn) == 1 else "lines " + ", ".join(map(str, torn))
    return (
        Notice(
            "ledger-torn",
            f"{lines} of {where} cannot be read, as after a kill while writing, and {'is' if len(torn) == 1 else 'are'} passed over",
        ),
    )


@contextlib.contextmanager
def _locked(file: FileIO) -> Iterator[None]:
    """Alone with the file where the system has such locks; elsewhere appending alone keeps lines apart."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with contextlib.suppress(OSError):  # some network file systems have no locks
        fcntl.flock(file, fcntl.LOCK_EX)
    yield  # closing the file gives the lock back


def _write(file: FileIO, contents: bytes) -> None:
    while contents:
        contents = contents[file.write(contents) or 0 :]
    os.fsync(file.fileno())
