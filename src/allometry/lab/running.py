"""Train one job, from its last checkpoint where there is one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from allometry.lab.batches import Windows, evaluation_windows
from allometry.lab.checkpoints import load_state, save_state
from allometry.lab.corpus import Corpus
from allometry.lab.jobs import Job
from allometry.lab.loop import Loop, seed_everything
from allometry.lab.losses import evaluate, evaluate_answers
from allometry.lab.models import build
from allometry.lab.rows import Measured, row
from allometry.notices import Refused

Tick = Callable[[int], None]


@dataclass(frozen=True)
class Place:
    """Where a job is trained: a file for its checkpoints, how many seconds lie between them, a device."""

    checkpoint: Path
    every: float = 30.0
    device: str = "cpu"


@dataclass(frozen=True)
class HeldOut:
    """Windows of held-out text and, where the corpus has answers, the numbers of those that their tokens are part of."""

    windows: torch.Tensor
    answers: torch.Tensor | None

    @classmethod
    def of(cls, corpus: Corpus, job: Job, device: str) -> HeldOut:
        """Those that a job is measured on."""
        parts = (corpus.held_out, corpus.answers)
        chosen = [None if part is None else evaluation_windows(part, job.context, job.evaluation.windows).to(device)
                  for part in parts]  # fmt: skip
        assert chosen[0] is not None
        return cls(chosen[0], chosen[1])


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
    held_out = HeldOut.of(corpus, job, place.device)
    _train(loop, job, place, held_out, measured, tick)
    return [row(job, found, corpus.unit, corpus.entropy_rate, _device_name(place.device)) for found in measured]


def make_loop(job: Job, corpus: Corpus, device: str = "cpu") -> Loop:
    """The loop of a job at its first step."""
    seed_everything(job.seed)
    return Loop(
        build(job.shape, job.context),
        Windows(corpus.train, job.context, job.batch_windows, job.steps, job.seed),
        lambda step: job.learning_rate * job.schedule.share(step, job.steps),
        job.optimiser.build,
        clip=job.clip,
        precision=job.precision,
        device=device,
    )


def _train(loop: Loop, job: Job, place: Place, held_out: HeldOut, measured: list[Measured], tick: Tick) -> None:
    due, saved = job.evaluation.steps(job.steps), time.monotonic()
    while loop.step < job.steps and not (measured and measured[-1].diverged):
        value = loop.update()
        if loop.step in due or not math.isfinite(value):
            measured.append(_measure(loop, value, held_out))
        if time.monotonic() - saved >= place.every:
            _save(loop, job, place, measured)
            saved = time.monotonic()
        tick(loop.step)
    _save(loop, job, place, measured)


def _measure(loop: Loop, value: float, held_out: HeldOut) -> Measured:
    if not math.isfinite(value):
        return Measured(loop.step, loop.rate(loop.step), value, math.nan, loop.seconds)
    accuracy = answer_loss = None
    with loop.casting():
        loss = evaluate(loop.model, held_out.windows)
        if held_out.answers is not None:
            accuracy, answer_loss = evaluate_answers(loop.model, held_out.windows, held_out.answers)
    return Measured(loop.step, loop.rate(loop.step), loop.recent, loss, loop.seconds, accuracy, answer_loss)


def _save(loop: Loop, job: Job, place: Place, measured: list[Measured]) -> None:
    contents = {"job": job.fingerprint, "loop": loop.state(), "measured": [asdict(found) for found in measured]}
    save_state(place.checkpoint, contents)


def _restored(loop: Loop, job: Job, place: Place) -> list[Measured]:
    if not place.checkpoint.exists():
        return []
    kept = load_state(place.checkpoint)
    if kept.get("job") != job.fingerprint:
        raise Refused("other-job", "the checkpoint is another run's", str(place.checkpoint), "remove it")
    loop.restore(kept["loop"])
    return [Measured(**found) for found in kept["measured"]]


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else "cpu"
