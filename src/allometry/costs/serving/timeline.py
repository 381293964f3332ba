"""What goes into the simulation of a replica, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Requests:
    """The requests of one replica, as lists in order of arrival: the columns of `Trace`."""

    arrival: list[float]
    prompt: list[int]
    generated: list[int]
    job: list[int]
    shared: list[int]
    step: list[int]
    after: list[list[int]]
    think: list[float]
    prefix: list[int]
    kept: list[int]


@dataclass(slots=True)
class Timeline:
    """What became of a replica's requests, and what it did."""

    ready: list[float]
    first: list[float]
    finish: list[float]
    busy: float = 0.0
    iterations: int = 0
    generated: int = 0
    prefilled: int = 0
    reused: int = 0  # tokens of prompts that a shared prefix held already
    preemptions: int = 0
    peak: int = 0  # of the cache, in tokens times layers
    batches: float = 0.0  # sequences times seconds
    most: int = 0  # sequences at once
