"""Process time and memory of a piece of work, here and in a fresh interpreter."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Timed(NamedTuple):
    """Median process seconds and the last result."""

    seconds: float
    result: Any


def timed(work: Callable[[], Any], repeats: int) -> Timed:
    """Median process time of some repeats, and the last result."""
    seconds, result = [], None
    for _ in range(repeats):
        begun = time.process_time()
        result = work()
        seconds.append(time.process_time() - begun)
    return Timed(float(np.median(seconds)), result)


def peak(work: Callable[[], Any]) -> float:
    """Megabytes that Python and NumPy held at once during the work, on top of what they held before."""
    tracemalloc.start()
    work()
    held = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return held


def process(code: str, repeats: int) -> tuple[float, float]:
    """Median process seconds of a fresh interpreter that runs the code, and the children's peak resident megabytes."""
    seconds = []
    for _ in range(repeats):
        before = _children()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
        seconds.append(_children() - before)
    return float(np.median(seconds)), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def group_memory(leader: int) -> int:
    """Bytes that the processes of a group hold together, those that they share with others counted by their share."""
    return sum(map(_memory, _group(leader)))


def _group(leader: int) -> Iterable[int]:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == leader:
                yield int(path.name)
        except OSError:
            continue


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
