"""What a program that is run apart may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Arguments: `seconds` by the wall clock, and of CPU for each process; `memory` in bytes of address space for each
    process; `file` in bytes for each file; `processes` at the same time; `output` in bytes, kept of each of the two
    streams. What all processes take together, and all files, is bounded by these alone.

    >>> Limits(seconds=2).processes
    64
    """

    seconds: float = 10.0
    memory: int = 1 << 30
    file: int = 16 << 20
    processes: int = 64
    output: int = 1 << 20
