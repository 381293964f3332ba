"""Live segments: JSON lines, appended and flushed before an answer is used. A torn last line is dropped, no other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path

from allometry.inference.records.privacy import Line
from allometry.inference.records.schema import HEADER, check_header
from allometry.notices import Refused

PATTERN = "live-*.jsonl"
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def encode(line: Line) -> bytes:
    """One line of JSON, strict, without columns that are empty."""
    held = {name: value for name, value in line.items() if value is not None}
    return _ENCODER.encode(held).encode("utf-8", "replace") + b"\n"


def segments(folder: Path) -> list[Path]:
    """The segments of a folder, in the order in which they were written."""
    return sorted(folder.glob(PATTERN))


def new_segment(folder: Path) -> FileIO:
    """A fresh segment, readable by its owner only. Each process writes its own: a torn end is never written behind."""
    number = max((int(path.stem.partition("-")[2]) for path in segments(folder)), default=0) + 1
    path = folder / f"live-{number:06}.jsonl"
    file = FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "wb")
    append(file, [encode(dict(HEADER))])
    return file


def append(file: FileIO, lines: Sequence[bytes]) -> None:
    """Hand whole lines to the system, so that they survive this process."""
    left = memoryview(b"".join(lines))
    while left:
        left = left[file.write(left) :]


def read_segment(path: Path) -> Iterator[tuple[bytes, Line]]:
    """The lines of a segment, raw and parsed, after its header.

    Errors: `Refused` for a damaged line that is not the last, and for what `check_header` refuses.
    """
    for number, raw, line in survey_segment(path):
        if line is None and number > 0:
            raise Refused("damaged-records", f"line {number} is not JSON", str(path),
                          "restore the file, or delete that line to lose that answer only") from None  # fmt: skip
        if line is not None:
            yield raw, line


def survey_segment(path: Path) -> Iterator[tuple[int, bytes, Line | None]]:
    """Every line of a segment after its header: its number, how it stands there, and what it is, None where damaged.

    What stands behind the last whole line has the number 0: the writer was ended within it, and it never counts.
    Errors: `Refused` for what `check_header` refuses.
    """
    *lines, torn = path.read_bytes().split(b"\n")
    for number, raw in enumerate(lines, 1):
        parsed = _parsed(raw)
        if number == 1:
            if parsed is None:
                raise Refused("damaged-records", "line 1 is not JSON", str(path), "restore the file")
            check_header(parsed, str(path))
        else:
            yield number, raw, parsed
    if torn:
        yield 0, torn, None


def _parsed(raw: bytes) -> Line | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
