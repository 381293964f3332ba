"""One writer of a folder at a time. The lock is the system's and goes with the process, however that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from allometry.notices import Refused

if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def take_lock(folder: Path) -> int:
    """The descriptor that holds the lock; closing it gives the lock back.

    Errors: `Refused` while another process holds it.
    """
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(file)
    except OSError:
        os.close(file)
        raise Refused("records-in-use", "another process writes these records", str(folder),
                      "wait for it, or name another folder") from None  # fmt: skip
    return file
