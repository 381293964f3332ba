"""What an executor is asked and what it says. It keeps no table: whoever asks it does, alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from allometry.lab.jobs import Job

# Times that a run is begun again after its process was lost; what a run itself refuses is not tried again.
RETRIES = 3


@dataclass(frozen=True)
class Work:
    """Jobs, the folder of their checkpoints, and the seconds between two checkpoints of a job."""

    jobs: Sequence[Job]
    checkpoints: Path
    every: float = 30.0

    def checkpoint(self, job: Job) -> Path:
        return checkpoint_of(self.checkpoints, job)


def checkpoint_of(folder: Path, job: Job) -> Path:
    """The file of a job's checkpoint."""
    return folder / f"{job.run_id}.pt"


@dataclass(frozen=True)
class Advanced:
    """A run has come to this step."""

    job: Job
    step: int


@dataclass(frozen=True)
class Ended:
    """A run has ended, with its rows."""

    job: Job
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Failed:
    """A run has come to no end; others go on."""

    job: Job
    why: str


Event: TypeAlias = Advanced | Ended | Failed


class Executor(Protocol):
    """Trains jobs somewhere, one process each."""

    @property
    def workers(self) -> int:
        """How many runs go on at the same time."""

    def run(self, work: Work) -> Iterator[Event]:
        """Every job ends or fails exactly once; a job whose process is lost goes on from its last checkpoint."""
