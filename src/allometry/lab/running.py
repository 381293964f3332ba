"""Train a job, or several at once, from their last checkpoints where there are some."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from allometry.lab.batches import Windows, evaluation_windows
from allometry.lab.checkpoints import load_state, save_state
from allometry.lab.corpus import Corpus
from allometry.lab.growth import stack
from allometry.lab.jobs import Job
from allometry.lab.loop import Loop, seed_everything
from allometry.lab.losses import evaluate, evaluate_answers
from allometry.lab.mechanisms import mechanisms_of
from allometry.lab.models import build
from allometry.lab.regularisers import loop_dissimilarity
from allometry.lab.rows import Measured, row
from allometry.lab.techniques import LoopRegulariser
from allometry.lab.together import update_together
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
    return run_jobs([job], [place], lambda number, step: tick(step))[0]


def run_jobs(
    jobs: Sequence[Job], places: Sequence[Place], tick: Callable[[int, int], None] = lambda number, step: None
) -> list[list[dict[str, Any]]]:
    """The same of several jobs that `may_join` each other, trained at once; `tick` is told a job's number too."""
    torch.set_num_threads(1)
    runs = [_Run(job, place) for job, place in zip(jobs, places, strict=True)]
    while going := [run for run in runs if not run.ended]:
        for run in going:
            _grow(run.loop, run.job)
        # After a kill stacked runs may be at different depths: the others wait.
        now = [run for run in going if run.depth == going[0].depth]
        values = update_together([run.loop for run in now]) if len(now) > 1 else [now[0].loop.update()]
        for run, value in zip(now, values, strict=True):
            run.note(value)
            tick(runs.index(run), run.loop.step)
    return [run.rows() for run in runs]


def may_join(one: Job, other: Job) -> bool:
    """Whether two jobs can be trained at once: dense models of one shape, batches of one size, one loss."""
    same = ("shape", "context", "batch_tokens", "precision", "regulariser")
    factors = [job.stacking.factor if job.stacking else 1 for job in (one, other)]
    return (
        all(getattr(one, name) == getattr(other, name) for name in same)
        and factors[0] == factors[1]
        and all(mechanism.dense for mechanism in mechanisms_of(one.shape).values())
    )


class _Run:
    """One job as it is trained: its loop, what was measured, and its checkpoint, which is written as it ends too."""

    def __init__(self, job: Job, place: Place) -> None:
        self.job, self.place, self._corpus = job, place, job.corpus.read()
        if self._corpus.sha256 != job.corpus_sha256:
            raise Refused("other-corpus", "the corpus here is another than the ladder's", job.run_id,
                          "give every machine the same Python and the same text")  # fmt: skip
        self.loop = make_loop(job, self._corpus, place.device)
        self.measured = _restored(self.loop, job, place)
        self._held_out = HeldOut.of(self._corpus, job, place.device)
        self._due, self._saved = job.evaluation.steps(job.steps), time.monotonic()

    @property
    def ended(self) -> bool:
        return self.loop.step >= self.job.steps or bool(self.measured and self.measured[-1].diverged)

    @property
    def depth(self) -> int:
        return self.job.shape_at(self.loop.step + 1).layers

    def note(self, value: float) -> None:
        """Measure and write a checkpoint where that is due after a step."""
        if self.loop.step in self._due or not math.isfinite(value):
            self.measured.append(_measure(self.loop, value, self._held_out))
        if self.ended or time.monotonic() - self._saved >= self.place.every:
            _save(self.loop, self.job, self.place, self.measured)
            self._saved = time.monotonic()

    def rows(self) -> list[dict[str, Any]]:
        corpus, device = self._corpus, _device_name(self.place.device)
        return [row(self.job, found, corpus, device) for found in self.measured]


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


def _grow(loop: Loop, job: Job) -> None:
    """Stack the model where its next step is the first of the deep one, whose optimisers begin anew."""
    if job.stacking and loop.step == job.phases[0].steps:
        deep = build(job.shape, job.context)
        deep.load_state_dict(stack(loop.model.state_dict(), job.stacking.factor))
        loop.put(deep)


def _penalty(regulariser: LoopRegulariser | None) -> Callable[[Mapping[str, Tensor]], Tensor | None]:
    def penalty(weights: Mapping[str, Tensor]) -> Tensor | None:
        return None if regulariser is None else regulariser.weight * loop_dissimilarity(weights, regulariser.period)

    return penalty


def _measure(loop: Loop, value: float, held_out: HeldOut) -> Measured:
    if not math.isfinite(value):
        return Measured(loop.step, loop.rate(loop.step), value, math.nan, loop.seconds)
    with loop.casting():
        judged: dict[str, Any] = (
            {"loss": evaluate(loop.model, held_out.windows)}
            if held_out.answers is None
            else evaluate_answers(loop.model, held_out.windows, held_out.answers)._asdict()
        )
    return Measured(loop.step, loop.rate(loop.step), loop.recent, seconds=loop.seconds, **judged)


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
