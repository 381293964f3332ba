"""A folder of the user's own text, as bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from allometry.lab.corpus import Corpus, SourceFile
from allometry.notices import Refused

# Of a folder with one file, or whose files all fall on one side, the end of the text is held out.
HELD_OUT_SHARE = 0.05


def read(*, path: str, pattern: str = "**/*.txt") -> Corpus:
    """Every file below `path` that matches `pattern`, in the order of their names; one in twenty is held out.

    Which files are held out follows from their names alone, so that adding one moves no other. Where that leaves one
    side empty, the last twentieth of the text is held out.
    Errors: `Refused` for a folder that is not there, that cannot be read or that holds too little text.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise Refused("no-such-folder", "the corpus is no folder", str(root), "give the folder that holds the text")
    files = _files(root, pattern)
    parts: dict[bool, list[bytes]] = {True: [], False: []}
    for file, content in files:
        parts[file.held_out].append(content)
    train, held_out = (b"".join(parts[side]) for side in (False, True))
    if not train or not held_out:
        whole = train or held_out
        cut = len(whole) - int(HELD_OUT_SHARE * len(whole))
        train, held_out = whole[:cut], whole[cut:]
    return Corpus(np.frombuffer(train, np.uint8), np.frombuffer(held_out, np.uint8), tuple(file for file, _ in files))


def _files(root: Path, pattern: str) -> list[tuple[SourceFile, bytes]]:
    try:
        paths = sorted(found for found in root.glob(pattern) if found.is_file())
        contents = [path.read_bytes() for path in paths]
    except (OSError, ValueError, NotImplementedError) as error:
        raise Refused(
            "bad-corpus", f"the text cannot be read: {error}", str(root), "give a folder and pattern like **/*.txt"
        ) from None
    if not any(contents):
        raise Refused("no-text", f"no file matches {pattern!r}", str(root), "give another pattern, such as **/*.md")
    names = [path.relative_to(root).as_posix() for path in paths]
    return [
        (SourceFile(name, len(content), hashlib.sha256(content).hexdigest()), content)
        for name, content in zip(names, contents, strict=True)
    ]
