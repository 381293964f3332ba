"""The byte corpus of the embedded ladder: the running interpreter's own standard library.

It is on every machine that runs Python, it is text people know, and it needs no download.
Its exact bytes change with the interpreter's version, so a manifest (file, size, sha256)
travels with the measured losses, and another corpus is never mixed in unnoticed.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allometry.notices import Refused

# Parts that builds and distributions leave out, and third-party packages.
EXCLUDED = {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "__pycache__"}
# Written by the build itself: they hold the machine's own paths and compiler flags.
BUILD_OUTPUTS = ("_sysconfigdata", "_sysconfig_vars", "config-")
HELD_OUT_SHARE = 0.05


@dataclass(frozen=True)
class SourceFile:
    path: str
    size: int
    sha256: str

    @property
    def held_out(self) -> bool:
        """By hash of the path, so that adding a file never moves another across the split."""
        digest = hashlib.sha256(f"held-out:{self.path}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < HELD_OUT_SHARE * 2**64


@dataclass(frozen=True)
class Corpus:
    """Training and held-out tokens (uint8 arrays) and the manifest they came from.

    `vocab` is how many different tokens there can be; `entropy_rate`, in nats per token, is the least expected loss that
    any model can reach, where that is known exactly, and `least_loss(context)` that over windows; `unit` is that of the losses. `answers` (one for each held-out token)
    numbers the answers that follow from what stands before them, from 1; 0 is no part of one, -1 is part of the name of
    somebody about whom facts follow. `stored_bits(name_loss, answer_loss)` is how many bits of those facts a model is
    shown to have stored by its losses on both, in nats per token. `record` is the length of
    the records that the text is made of, where they are all of one. `known` says what else is known exactly of a
    generated corpus, a sentence each.
    """

    train: np.ndarray
    held_out: np.ndarray
    manifest: tuple[SourceFile, ...]
    vocab: int = 256
    entropy_rate: float | None = None
    least_loss: Callable[[int], float] | None = None
    unit: str = "nats per byte"
    answers: np.ndarray | None = None
    stored_bits: Callable[[float, float], float] | None = None
    record: int | None = None
    known: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """One fingerprint of all files: paths, sizes and contents."""
        lines = "\n".join(f"{f.path} {f.size} {f.sha256}" for f in self.manifest)
        return hashlib.sha256(lines.encode()).hexdigest()


def generated(name: str, train: np.ndarray, held_out: np.ndarray, **known: Any) -> Corpus:
    """A corpus that was generated: its parts take the place of files. `known` are further fields of `Corpus`."""
    parts = {"train": train, "held-out": held_out}
    manifest = tuple(
        SourceFile(f"{name}/{part}", len(text), hashlib.sha256(text.tobytes()).hexdigest())
        for part, text in parts.items()
    )
    return Corpus(train, held_out, manifest, **known)


def standard_library() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def read_corpus(root: Path | None = None) -> Corpus:
    """Read every Python source below `root` (default: the standard library) in path order."""
    root = root or standard_library()
    manifest: list[SourceFile] = []
    train: list[bytes] = []
    held_out: list[bytes] = []
    for path in sorted(p for p in root.rglob("*.py") if _included(p.relative_to(root))):
        content = path.read_bytes()
        name = path.relative_to(root).as_posix()
        file = SourceFile(name, len(content), hashlib.sha256(content).hexdigest())
        manifest.append(file)
        (held_out if file.held_out else train).append(content)
    if not train or not held_out:
        raise ValueError(f"no Python sources to train and to hold out below {root}")
    return Corpus(_as_array(train), _as_array(held_out), tuple(manifest))


def _included(path: Path) -> bool:
    return not any(part in EXCLUDED or part.startswith(BUILD_OUTPUTS) for part in path.parts)


def _as_array(contents: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(contents), dtype=np.uint8)


def windows(data: np.ndarray, length: int) -> np.ndarray:
    """Non-overlapping windows (n, length + 1): inputs and, shifted by one, targets."""
    count = (len(data) - 1) // length
    starts = np.arange(count)[:, None] * length
    return data[starts + np.arange(length + 1)]


def check_records(corpus: Corpus, context: int) -> None:
    """Refuse windows that cut answers in two, for the part in a window would be judged as if it were the whole."""
    record = corpus.record
    if corpus.answers is not None and record and context % record:
        raise Refused(
            "cut-records", f"windows of {context} tokens cut records of {record}, and their answers, in two", "[training]",
            f"give context = {-(-context // record) * record}, or another multiple of {record}",
        )  # fmt: skip


def check_epoch(available: int, needed: int, context: int) -> None:
    """Refuse more windows than there are."""
    if needed > available:
        raise Refused(
            "too-few-tokens", f"{needed * context} tokens are more than one epoch of the corpus ({available * context})",
            "the budget", "give fewer tokens or more text",
        )  # fmt: skip


def check_held_out(available: int, needed: int) -> None:
    """Refuse more windows to evaluate on than there are."""
    if needed > available:
        raise Refused(
            "few-held-out", f"{available} held-out windows are fewer than the {needed} to evaluate on",
            "the evaluation", f"give at most windows = {available}, or more text",
        )  # fmt: skip
