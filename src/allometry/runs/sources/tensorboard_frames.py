"""The records in an event file: TensorFlow's framing, each record with its length and two checksums.

TensorBoard's own reader without TensorFlow takes the checksums byte by byte in Python, which is most of its time; here
they are taken of all records at once.
"""

from __future__ import annotations

import struct
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# A record is its length and the checksum of that, the bytes, and their checksum.
_HEAD, _TAIL = 12, 4
_LENGTH = struct.Struct("<Q")
# CRC-32C (Castagnoli), reflected, and the mask that TensorFlow adds to it.
_POLYNOMIAL, _MASK = 0x82F63B78, 0xA282EAD8
# Numbers are in small records; pictures and histograms are not read, so their bytes are not checked.
_CHECKED_SIZE, _AT_ONCE = 1024, 50_000

Bytes = NDArray[np.uint8]
Checks = NDArray[np.uint32]


def read_frames(path: Path) -> tuple[list[bytes], int | None]:
    """The records of one file, and where it is cut off or damaged; None when all of it could be read."""
    data = path.read_bytes()
    starts, end = _starts(data)
    lengths = np.diff([*starts, end]) - _HEAD - _TAIL
    wrong = _wrong(np.frombuffer(data, np.uint8), np.array(starts, np.int64), lengths)
    sound = starts if wrong is None else starts[:wrong]
    frames = [data[at + _HEAD : at + _HEAD + size] for at, size in zip(sound, lengths.tolist(), strict=False)]
    cut = starts[wrong] if wrong is not None else end
    return frames, None if cut == len(data) else cut


def _starts(data: bytes) -> tuple[list[int], int]:
    """Where each whole record begins, and where the last of them ends."""
    starts, at = list[int](), 0
    while at + _HEAD + _TAIL <= len(data):
        size = _LENGTH.unpack_from(data, at)[0]
        if at + _HEAD + size + _TAIL > len(data):
            break
        starts.append(at)
        at += _HEAD + size + _TAIL
    return starts, at


def _wrong(data: Bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> int | None:
    """The first record whose length or bytes do not agree with their checksum."""
    if not len(starts):
        return None
    bad = np.zeros(len(starts), bool)
    for some in np.array_split(np.argsort(lengths, kind="stable"), 1 + len(starts) // _AT_ONCE):
        bad[some] = _disagree(data, starts[some], 8)
        for size, members in groupby(some.tolist(), key=lengths.__getitem__):
            if size <= _CHECKED_SIZE:
                equal = np.array(list(members))
                bad[equal] |= _disagree(data, starts[equal] + _HEAD, int(size))
    return int(np.argmax(bad)) if bad.any() else None


def _disagree(data: Bytes, begin: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Which of the pieces of one size do not agree with the checksum behind them."""
    return _masked(_rows(data, begin, size)) != _stored(data, begin + size)


def _rows(data: Bytes, begin: NDArray[np.int64], size: int) -> Bytes:
    return data[begin[:, None] + np.arange(size)]


def _stored(data: Bytes, at: NDArray[np.int64]) -> Checks:
    return np.ascontiguousarray(_rows(data, at, 4)).view("<u4")[:, 0]


def _masked(rows: Bytes) -> Checks:
    """The masked checksum of each row of bytes.

    >>> hex(int(_masked(np.frombuffer(b"123456789", np.uint8)[None])[0]))
    '0xc78ab0e5'
    """
    check = np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        check = _TABLE[(check ^ column) & 0xFF] ^ (check >> np.uint32(8))
    check = ~check
    return ((check >> np.uint32(15)) | (check << np.uint32(17))) + np.uint32(_MASK)


def _table() -> Checks:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, (values >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), values >> np.uint32(1))
    return values


_TABLE = _table()
