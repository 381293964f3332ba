"""Process time and memory of a piece of work, here and in a fresh interpreter."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
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
