"""Train one job, from its last checkpoint where there is one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from allometry.lab.batches import Windows, evaluation_windows
from allometry.lab.checkpoints import load_state, save_state
from allometry.lab.corpus import Corpus
from allometry.lab.growth import stack
from allometry.lab.jobs import Job
from allometry.lab.loop import Loop, seed_everything
from allometry.lab.losses import evaluate
from allometry.lab.models import build
from allometry.lab.regularisers import loop_dissimilarity
from allometry.lab.rows import Measured, row
from allometry.lab.techniques import LoopRegulariser
from allometry.notices import Refused

Tick = Callable[[int], None]


@dataclass(frozen=True)
class Place:
    """Where a job is trained: a file for its checkpoints, how many seconds lie between them, a device."""

    checkpoint: Path
    every: float = 30.0
    device: str = "cpu"


def run_job(job: Job, place: Place, tick: Tick = lambda step: None) -> list[dict[str, Any]]:
    """The rows of a job, trained on one thread from its last checkpoint on; `tick` is told each step.

    A job that had come to its end gives its rows again without training. The checkpoint stays: whoever keeps the rows
    removes it. Errors: `Refused` where the corpus is not the job's here.
    """
    torch.set_num_threads(1)
    corpus = job.corpus.read()
    if corpus.sha256 != job.corpus_sha256:
        raise Refused("other-corpus", "the corpus here is another than the ladder's", job.run_id,
                      "give every machine the same Python and the same text")  # fmt: skip
    loop = make_loop(job, corpus, place.device)
    measured = _restored(loop, job, place)
    held_out = evaluation_windows(corpus.held_out, job.context, job.evaluation.windows).to(place.device)
    _train(loop, job, place, held_out, measured, tick)
    return [row(job, found, corpus.unit, corpus.entropy_rate, _device_name(place.device)) for found in measured]


def make_loop(job: Job, corpus: Corpus, device: str = "cpu") -> Loop:
    """The loop of a job at its first step, with its shallow model where it will be stacked."""
    seed_everything(job.seed)
    return Loop(
        build(job.shape_at(1), job.context),
        Windows(corpus.train, job.context, job.batch_windows, job.steps, job.seed),
        lambda step: job.learning_rate * job.schedule.share(step, job.steps),
        job.optimiser.build,
        penalty=_penalty(job.regulariser),
        clip=job.clip,
        precision=job.precision,
        device=device,
    )


def _train(loop: Loop, job: Job, place: Place, held_out: Tensor, measured: list[Measured], tick: Tick) -> None:
    due, saved = job.evaluation.steps(job.steps), time.monotonic()
    while loop.step < job.steps and not (measured and measured[-1].diverged):
        _grow(loop, job)
        value = loop.update()
        if loop.step in due or not math.isfinite(value):
            measured.append(_measure(loop, value, held_out))
        if time.monotonic() - saved >= place.every:
            _save(loop, job, place, measured)
            saved = time.monotonic()
        tick(loop.step)
    _save(loop, job, place, measured)


def _grow(loop: Loop, job: Job) -> None:
    """Stack the model where its next step is the first of the deep one, whose optimisers begin anew."""
    if job.stacking and loop.step == job.phases[0].steps:
        deep = build(job.shape, job.context)
        deep.load_state_dict(stack(loop.model.state_dict(), job.stacking.factor))
        loop.put(deep)


def _penalty(regulariser: LoopRegulariser | None) -> Callable[[nn.Module], Tensor | None]:
    def penalty(model: nn.Module) -> Tensor | None:
        if regulariser is None:
            return None
        return regulariser.weight * loop_dissimilarity(dict(model.named_parameters()), regulariser.period)

    return penalty


def _measure(loop: Loop, value: float, held_out: Tensor) -> Measured:
    with loop.casting():
        loss = evaluate(loop.model, held_out) if math.isfinite(value) else math.nan
    recent = loop.recent if math.isfinite(value) else value
    return Measured(loop.step, loop.rate(loop.step), recent, loss, loop.seconds)


def _save(loop: Loop, job: Job, place: Place, measured: list[Measured]) -> None:
    contents = {"job": job.fingerprint, "loop": loop.state(), "measured": [asdict(found) for found in measured]}
    save_state(place.checkpoint, contents)


def _restored(loop: Loop, job: Job, place: Place) -> list[Measured]:
    if not place.checkpoint.exists():
        return []
    kept = load_state(place.checkpoint)
    if kept.get("job") != job.fingerprint:
        raise Refused("other-job", "the checkpoint is another run's", str(place.checkpoint), "remove it")
    if kept["loop"]["step"] > job.phases[0].steps:
        loop.put(build(job.shape, job.context))
    loop.restore(kept["loop"])
    return [Measured(**found) for found in kept["measured"]]


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else "cpu"
