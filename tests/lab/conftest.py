"""A ladder of runs that take a moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def declared() -> dict[str, Any]:
    """The content of a ladder file: four runs of 24 and 48 steps."""
    return {
        "name": "tiny",
        "sizes": [{"layers": 1, "width": 16, "heads": 2, "ffn": 32}, {"layers": 2, "width": 16, "heads": 2, "ffn": 32}],
        "budget": {"tokens": [6144, 12288]},
        "training": {"context": 32, "batch_tokens": 256, "learning_rate": 0.01},
        "corpus": {"name": "task", "task": "chain", "examples": 1000},
        "evaluation": {"windows": 16, "times": 2},
    }


class Here:
    """Trains in this process."""

    workers = 1

    def run(self, work: Any) -> Iterator[Any]:
        from allometry.lab.executors import Ended
        from allometry.lab.running import Place, run_job

        for job in work.jobs:
            yield Ended(job, run_job(job, Place(work.checkpoint(job), work.every)))


@pytest.fixture
def here() -> Here:
    return Here()
