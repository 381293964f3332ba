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
            kind, body = self._fragment(place)
            if not kind:
                break
            place += _HEADER.size + len(body)
            if kind == _WHOLE:
                yield body
                continue
            parts = [body] if kind == _FIRST else [*parts, body]
            if kind == _LAST:
                yield b"".join(parts)
                parts = []
        if parts or place < len(self._data):
            self.cut = place

    def _fragment(self, place: int) -> tuple[int, bytes]:
        """Kind and bytes of the fragment at a place; kind 0 where it is cut off or its checksum is wrong.

        W&B writes the plain CRC-32 of kind and bytes, which stand side by side, and not LevelDB's masked one.
        """
        if place + _HEADER.size > len(self._data):
            return 0, b""
        checksum, length, kind = _HEADER.unpack_from(self._data, place)
        body = self._data[place + _HEADER.size - 1 : place + _HEADER.size + length]
        sound = len(body) == length + 1 and _WHOLE <= kind <= _LAST and checksum == zlib.crc32(body)
        return (kind, body[1:]) if sound else (0, b"")
