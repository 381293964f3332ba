"""One endless tree for every searcher: what stands behind a beginning, and its grade, are hashes of its text."""

from __future__ import annotations

import hashlib

DEPTH = 8


def step(beginning: str, number: int) -> str:
    """The step of a number behind a beginning."""
    return f"{_hash(f'{beginning}|{number}'):08x}\n"


def grade(beginning: str) -> float:
    """From 0 to 1, the same whoever asks."""
    return _hash(beginning) / 2**32


def ended(beginning: str) -> bool:
    """Whether nothing stands behind it."""
    return beginning.count("\n") >= DEPTH


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
