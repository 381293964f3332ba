"""The records in a `.wandb` file: LevelDB's log format, which W&B writes after a header of its own.

W&B has had no public reader of its offline files since it moved to a compiled core; its message types it still ships.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from allometry.notices import Refused

# LevelDB's log format: blocks of 32 KiB; a record is checksum, length and kind, then its bytes; no header is split.
_BLOCK, _HEADER = 32768, struct.Struct("<IHB")
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# W&B's file header: ident, magic and version.
_IDENT, _IDENT_SIZE = b":W&B", 7


class Frames:
    """The records of one file, in order; `cut` is where it could not be read on, None when it was read to its end."""

    def __init__(self, path: Path) -> None:
        self._data, self._path = path.read_bytes(), path
        self.cut: int | None = None
        if self._data[:4] != _IDENT:
            raise Refused("not-wandb", "the file does not begin as W&B's offline files do", str(path), "leave it out")

    def __iter__(self) -> Iterator[bytes]:
        place, parts = _IDENT_SIZE, list[bytes]()
        while place < len(self._data):
            left = _BLOCK - place % _BLOCK
            if left < _HEADER.size:
                place += left
                continue
            found = self._fragment(place)
            if found is None:
                self.cut = place
                return
            kind, body = found
            place += _HEADER.size + len(body)
            parts = [body] if kind in (_WHOLE, _FIRST) else [*parts, body]
            if kind in (_WHOLE, _LAST):
                yield b"".join(parts)
                parts = []
        if parts:
            self.cut = place

    def _fragment(self, place: int) -> tuple[int, bytes] | None:
        """Kind and bytes of the fragment at a place; None where it is cut off or its checksum is wrong."""
        if place + _HEADER.size > len(self._data):
            return None
        checksum, length, kind = _HEADER.unpack_from(self._data, place)
        body = self._data[place + _HEADER.size : place + _HEADER.size + length]
        sound = len(body) == length and _WHOLE <= kind <= _LAST and checksum == _checksum(kind, body)
        return (kind, body) if sound else None


def _checksum(kind: int, body: bytes) -> int:
    """W&B writes the plain CRC-32 of kind and bytes, not LevelDB's masked one."""
    return zlib.crc32(body, zlib.crc32(bytes([kind])))
