"""The nearest mixture of resampled pilots, each kept as it is made so that a killed call goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allometry.data.selection.sources import Pilot
from allometry.data.selection.transport import Array
from allometry.notices import Refused

Nearest = Callable[[Mapping[str, Pilot], Pilot], tuple[Array, float]]


class Resampled(NamedTuple):
    """Shares (B, k) and distances (B,) of the nearest mixtures of resampled pilots."""

    shares: Array
    distances: Array


def resampled(
    nearest: Nearest, sources: Mapping[str, Pilot], target: Pilot, count: int, seed: int, kept: Path | None,
    about: object, tick: Callable[[int], None],
) -> Resampled:  # fmt: skip
    """The answer `nearest` of `count` resamples of all pilots, each with random numbers of its own.

    `kept` is a file of JSON lines that they are added to: those that a call on the same pilots left there are not made
    again. `about` is what else they follow from.
    """
    stamp = _stamp(sources, target, seed, about)
    known = {} if kept is None else _read(kept, stamp)
    tick(min(len(known), count))
    for number in range(count):
        if number not in known:
            moved = np.random.default_rng([seed, number])
            shares, distance = nearest(
                {name: _again(one, moved) for name, one in sources.items()}, _again(target, moved)
            )
            known[number] = [*shares.tolist(), distance]
            if kept is not None:
                _add(kept, {"of": stamp, "resample": number, "shares_and_distance": known[number]})
            tick(1)
    table = np.array([known[number] for number in range(count)]).reshape(count, len(sources) + 1)
    return Resampled(table[:, :-1], table[:, -1])


def _again(one: Pilot, moved: np.random.Generator) -> Pilot:
    return one.take(moved.integers(len(one), size=len(one)))


def _stamp(sources: Mapping[str, Pilot], target: Pilot, seed: int, about: object) -> str:
    held = hashlib.sha256(json.dumps([list(sources), seed, about]).encode())
    for one in (*sources.values(), target):
        held.update(np.ascontiguousarray(one.features).data)
        held.update(json.dumps(None if one.labels is None else [str(label) for label in one.labels]).encode())
    return held.hexdigest()[:16]


def _read(path: Path, stamp: str) -> dict[int, list[float]]:
    """What the file holds of these pilots; lines torn by a kill, which end without a bracket, count as not there."""
    found = dict[int, list[float]]()
    if not path.exists():
        return found
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = ["unreadable"]
    for line in lines:
        try:
            row = json.loads(line)
            if row["of"] == stamp:
                found[int(row["resample"])] = [float(value) for value in row["shares_and_distance"]]
        except (ValueError, KeyError, TypeError):
            if not line.startswith('{"of": "'):
                mend = "choose another file, which this command will make"
                raise Refused("not-ours", "the file holds something else than resamples", str(path), mend) from None
    return found


def _add(path: Path, row: Mapping[str, object]) -> None:
    torn = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(row) + "\n")
    except OSError as error:
        raise Refused(
            "cannot-write", f"a resample cannot be kept: {error.strerror}", str(path), "choose another file"
        ) from None
