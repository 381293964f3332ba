"""How long a step of a ladder's jobs takes here: a few steps of a few of them, timed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from allometry.lab.jobs import Job
from allometry.lab.ladders.planning import Pace, interpolated_pace
from allometry.lab.running import make_loop
from allometry.notices import Step

PROBES = 4  # sizes that are timed, the smallest and largest among them
SECONDS = 0.5  # on each, at least one step behind one that is not counted
MOST_STEPS = 50


def measured_pace(jobs: Sequence[Job], device: str = "cpu") -> tuple[Pace, Step]:
    """The pace of jobs here, on one thread, from timed steps of up to `PROBES` of them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = [(job, step_seconds(job, device)) for job in _probes(jobs)]
    finally:
        torch.set_num_threads(threads)
    says = f"steps of {len(found)} of the sizes, timed here on one {'thread' if device == 'cpu' else device}"
    return interpolated_pace(found), Step("seconds", says, "measured")


def step_seconds(job: Job, device: str = "cpu") -> float:
    """The median seconds of a step, the first left out."""
    loop, taken = make_loop(job, job.corpus.read(), device), list[float]()
    loop.update()
    while not taken or (sum(taken) < SECONDS and len(taken) < min(MOST_STEPS, job.steps - 1)):
        began = time.perf_counter()
        if loop.step >= job.steps:
            return loop.seconds / loop.step
        loop.update()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def _probes(jobs: Sequence[Job]) -> list[Job]:
    """The longest job of each of a few sizes, evenly by rank."""
    sizes: dict[float, Job] = {}
    for phase in (phase for job in jobs for phase in job.phases):
        size = phase.flops / phase.steps
        if size not in sizes or phase.steps > sizes[size].steps:
            sizes[size] = phase
    ordered = [sizes[size] for size in sorted(sizes)]
    chosen = np.unique(np.linspace(0, len(ordered) - 1, min(PROBES, len(ordered))).round().astype(int))
    return [ordered[i] for i in chosen]
