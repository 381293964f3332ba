"""One run of a ladder: everything that its losses follow from, as plain values that travel to another process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from allometry.costs import Shape, training_flops
from allometry.lab.corpora import CorpusChoice
from allometry.lab.optimisers import AdamW, Optimiser
from allometry.lab.schedules import Cosine, Schedule
from allometry.lab.tables import check_above_zero
from allometry.lab.techniques import LoopRegulariser, Stacking
from allometry.notices import Refused

# Of the loop's arithmetic: raised when the same job comes to other losses, so that no table mixes the two.
LOOP_VERSION = 1
PRECISIONS = ("float32", "bfloat16")
FLOPS_CONVENTION = "by component, attention included"


@dataclass(frozen=True)
class Evaluation:
    """When the held-out loss is measured, the end of the run apart: every so many steps, or so many times in all.

    `windows` are how many windows of held-out text it is measured on, the same for every run.
    """

    windows: int = 256
    every: int | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        for name in ("windows", "every", "times"):
            if getattr(self, name) is not None:
                check_above_zero(name, getattr(self, name), "[evaluation]")
        if self.every and self.times:
            raise Refused("given-twice", "`every` and `times` both say when to evaluate", "[evaluation]", "give one")

    def steps(self, steps: int) -> set[int]:
        """The steps after which to measure.

        >>> sorted(Evaluation(every=4).steps(10)), sorted(Evaluation(times=2).steps(10)), Evaluation().steps(10)
        ([4, 8, 10], [5, 10], {10})
        """
        if self.every:
            return {*range(self.every, steps + 1, self.every), steps}
        times = self.times or 1
        return {max(1, round(steps * (i + 1) / times)) for i in range(times)}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run: a shape, how it is trained, on what and how far; nothing else changes its losses.

    `tokens` are whole steps of `batch_tokens`, which are whole windows of `context`. `corpus_sha256` is what the corpus
    must be where the run is trained. With `stacking` the run ends with `shape`, having begun with a shallower one.
    """

    shape: Shape
    tokens: int
    seed: int
    context: int
    batch_tokens: int
    learning_rate: float
    corpus_sha256: str
    mechanism: str = "plain"
    schedule: Schedule = field(default_factory=Cosine)
    optimiser: Optimiser = field(default_factory=AdamW)
    clip: float = 1.0
    precision: str = "float32"
    evaluation: Evaluation = field(default_factory=Evaluation)
    corpus: CorpusChoice = field(default_factory=CorpusChoice)
    stacking: Stacking | None = None
    regulariser: LoopRegulariser | None = None

    @property
    def steps(self) -> int:
        return self.tokens // self.batch_tokens

    @property
    def batch_windows(self) -> int:
        return self.batch_tokens // self.context

    @cached_property
    def phases(self) -> tuple[Job, ...]:
        """Itself; of a run that is stacked, the job of its shallow model and that of its deep one."""
        if self.stacking is None:
            return (self,)
        first, deep = self.stacking.base_tokens, replace(self, stacking=None)
        base = replace(deep, shape=self.stacking.base(self.shape), tokens=first)
        return base, replace(deep, tokens=self.tokens - first)

    def shape_at(self, step: int) -> Shape:
        """The shape that is trained at a step, counted from 1."""
        return self.phases[0].shape if step <= self.phases[0].steps else self.shape

    @cached_property
    def flops(self) -> float:
        """Training FLOPs of all steps."""
        return self.flops_after(self.steps)

    def flops_after(self, steps: int) -> float:
        """Training FLOPs of so many steps, counted by component with attention."""
        spent = 0.0
        for phase in self.phases:
            now = min(steps, phase.steps)
            spent += training_flops(phase.shape, now * self.batch_tokens, self.context)
            steps -= now
        return spent

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything that the losses follow from; of the corpus its content, not where it lies."""
        plain = {**asdict(self), **_kinds(self), "shape": self.shape.as_text(), "corpus": self.corpus.name}
        if self.stacking:
            del plain["stacking"]["when"]
        # A technique that a run does not have leaves its name as it was before there was one.
        return fingerprint({**{key: value for key, value in plain.items() if value is not None}, "loop": LOOP_VERSION})

    @property
    def run_id(self) -> str:
        """Its name in tables and files: what a person tells runs apart by, and the start of the fingerprint."""
        size = self.shape.parameters().total
        return f"{self.mechanism}-{size}-{self.tokens}-s{self.seed}-{self.fingerprint[:10]}"


def fingerprint(contents: Any) -> str:
    """SHA-256 of plain values, whatever the order of their keys.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(contents, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _kinds(job: Job) -> dict[str, Any]:
    """Which schedule and optimiser the numbers are of."""
    named = {"schedule": job.schedule, "optimiser": job.optimiser}
    return {name: {"kind": type(part).__name__, **asdict(part)} for name, part in named.items()}  # type: ignore[call-overload]
