"""Files of a source: finding them below a folder, without following links out of it, and when they changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from allometry.notices import Refused


def files_below(path: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """The files whose name is wanted, in the order of their paths; the path itself where it is a file."""
    if path.is_file():
        if wanted(path.name):
            yield path
        return
    found = (Path(base, name) for base, _, names in os.walk(path) for name in names if wanted(name))
    yield from sorted(one for one in found if one.is_file())


def holds(path: Path, wanted: Callable[[str], bool]) -> bool:
    return next(files_below(path, wanted), None) is not None


def some(found: list[Path], text: str, what: str) -> list[Path]:
    """The files, of which there must be one."""
    if found:
        return found
    if not Path(text).exists():
        raise Refused("no-source", "there is no such file or folder", text, "check the path")
    raise Refused("no-runs", f"there is no {what} in it", text, "name the folder that holds them")


def stamp(paths: Iterable[Path]) -> str:
    """A text that changes when a file is written, added or removed."""
    states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return digest(states)


def digest(contents: object) -> str:
    return hashlib.sha256(json.dumps(contents, default=str, sort_keys=True).encode()).hexdigest()[:16]


def name_below(path: Path, root: Path) -> str:
    """The name of a file or folder by where it stands below the root, and its own name where it is the root."""
    relative = path.relative_to(root if root.is_dir() else root.parent).as_posix()
    return path.resolve().name if relative == "." else relative


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, NaN and Infinity included; Refused for anything else."""
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(
            "not-json", f"the file cannot be read as JSON ({error})", str(path), "it may be cut off"
        ) from None
    if not isinstance(contents, dict):
        raise Refused("not-json", "the file does not hold a JSON object", str(path), "it is something else")
    return contents
