"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
from pathlib import Path

from allometry.notices import Refused


def write_whole(path: Path, contents: bytes, what: str) -> Path:
    """Write a file, whole or not at all; Refused where it cannot be, saying that `what` cannot be written."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(contents)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"{what} cannot be written: {error.strerror}"
        raise Refused("cannot-write", message, str(path), "choose a file in a folder that exists") from None
    return path
