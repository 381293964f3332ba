"""What a ladder takes before it is begun: runs, FLOPs, memory, and a time that says what it stands on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from allometry.costs import Hardware, forward_flops_per_token
from allometry.costs.training import Job as TrainingJob
from allometry.costs.training import Memory, Parallelism, training_cost, training_memory
from allometry.lab.jobs import Job
from allometry.notices import Refused, Step

_PRECISIONS = {"float32": "fp32", "bfloat16": "bf16"}
Pace = Callable[[Job], float]
"""Seconds of one step of a job of one phase, evaluation left out."""


@dataclass(frozen=True)
class LadderPlan:
    """What runs take: seconds of each, one after another, and of all side by side in `workers` processes.

    `memory` is that of the run that needs most, in bytes; as many as there are workers are held at once.
    """

    jobs: tuple[Job, ...]
    seconds: tuple[float, ...]
    memory: Memory | None
    workers: int
    steps: tuple[Step, ...]

    @property
    def flops(self) -> float:
        """FLOPs of all runs, evaluation left out."""
        return sum(job.flops for job in self.jobs)

    @property
    def total_seconds(self) -> float:
        """Seconds until the last has ended: an even share of the work, or the longest run where that takes longer."""
        return max([sum(self.seconds) / self.workers, *self.seconds], default=0.0)


def plan_ladder(jobs: Sequence[Job], pace: Pace, workers: int, steps: Sequence[Step] = ()) -> LadderPlan:
    """The plan of jobs at a pace. An evaluation, answers too, takes a third of a step's time for each token, as its FLOPs do."""
    seconds = tuple(_seconds(job, pace) for job in jobs)
    return LadderPlan(tuple(jobs), seconds, most_memory(jobs), workers, (*steps, *_grounds(workers)))


def _seconds(job: Job, pace: Pace) -> float:
    """Seconds of both phases of a run that is stacked, or of the one; evaluation at the pace of the model it ends with."""
    return sum(pace(phase) * phase.steps for phase in job.phases) + pace(job.phases[-1]) * _evaluation_steps(job)


def _evaluation_steps(job: Job) -> float:
    """Evaluations of a run in training steps that take as long."""
    windows, last = len(job.evaluation.steps(job.steps)) * job.evaluation.windows, job.phases[-1]
    return windows * job.context * forward_flops_per_token(job.shape, job.context) / (last.flops / last.steps)


def most_memory(jobs: Sequence[Job]) -> Memory | None:
    """Bytes of the job that needs most; None of no jobs."""
    return max((job_memory(job) for job in jobs), key=lambda found: found.total, default=None)


def job_memory(job: Job) -> Memory:
    """Bytes of one run by class, counted as `cost train` counts them; a device's workspace is left out."""
    found = training_memory(_training_job(job), Parallelism(micro_batch=job.batch_windows))
    return Memory(found.weights, found.gradients, found.optimizer, found.activations, 0.0)


def _training_job(job: Job) -> TrainingJob:
    return TrainingJob(
        shape=job.shape, batch=job.batch_windows, context=job.context, precision=_PRECISIONS[job.precision],
        states="adam-fp32", fused=False,
    )  # fmt: skip


def roofline_pace(hardware: Hardware) -> tuple[Pace, Step]:
    """The pace that `cost train` gives on a device, a bound from below for small models; nothing is run."""

    def pace(job: Job) -> float:
        spread = Parallelism(micro_batch=job.batch_windows)
        found = training_cost(_training_job(job), job.tokens, hardware, spread)
        if found.seconds_per_step.value is None:
            raise Refused("no-time", f"{hardware.name} gives no time of a step", "--hardware", "leave --hardware out")
        return found.seconds_per_step.value

    says = (
        f"the roofline of {hardware.name} with its efficiency factors, nothing was run; the latency of kernels, which "
        "small models wait for most of the time, is left out"
    )
    return pace, Step("seconds", says, "assumed")


def interpolated_pace(measured: Sequence[tuple[Job, float]]) -> Pace:
    """The pace of any job between those measured: a power of its FLOPs a step from each to the next.

    Beyond the smallest and largest, time goes as FLOPs do.
    """
    points = sorted((job.flops / job.steps, seconds) for job, seconds in measured)
    sizes, seconds = np.log(np.array(points)).T

    def pace(job: Job) -> float:
        size = np.log(job.flops / job.steps)
        beyond = size - np.clip(size, sizes[0], sizes[-1])
        return float(np.exp(np.interp(size, sizes, seconds) + beyond))

    return pace


def _grounds(workers: int) -> tuple[Step, ...]:
    if workers == 1:
        return ()
    return (Step("workers", f"{workers} runs side by side, none slowing another", "assumed"),)
