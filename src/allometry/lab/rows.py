"""The rows of a run: what is read by `allometry fit` and the rest of the tool."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from allometry.lab.corpus import Corpus
from allometry.lab.jobs import FLOPS_CONVENTION, Job
from allometry.lab.optimisers import OPTIMISERS
from allometry.lab.schedules import SCHEDULES

# Fields of a shape in a column of their own name, beside those that have another.
SHAPE_COLUMNS = ("head_size", "looped_layers", "injection", "structure", "rank", "blocks", "shared_experts", "granularity",
                 "dense_layers")  # fmt: skip
COLUMNS = (
    "run_id", "mechanism", "params", "active_params", "non_embedding_params", "tokens", "flops", "flops_convention",
    "depth", "width", "heads", "ffn", "vocab", "experts", "active_experts", "loops", "streams", "context",
    "batch_tokens", "steps", "learning_rate", "schedule", "optimiser", "precision", "seed", "corpus", "loss_unit",
    "entropy_rate", "step", "current_learning_rate", "train_loss", "loss", "accuracy", "answer_loss", "seconds", "device", "state",
    "growth_factor", "tokens_before_stacking", "regulariser", "regulariser_weight",
    "regulariser_period", "name_loss", "stored_bits", "least_loss",
    *SHAPE_COLUMNS, "stacking",
)  # fmt: skip
# What runs have in the columns that came later: nobody knows where it is None.
EARLIER = {"growth_factor": 1, "tokens_before_stacking": 0, "regulariser": "none", "regulariser_weight": 0.0,
           "regulariser_period": 0, "name_loss": None, "stored_bits": None, "least_loss": None,
           **dict.fromkeys((*SHAPE_COLUMNS, "stacking"))}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What is measured after a step; `loss` is nats per token of held-out text, not a number once a run diverged.

    Where the corpus has answers, `accuracy` is the share of them that are right and `answer_loss` nats per token of them;
    where it has names, `name_loss` is nats per token of those.
    """

    step: int
    learning_rate: float
    train_loss: float
    loss: float
    seconds: float
    accuracy: float | None = None
    answer_loss: float | None = None
    name_loss: float | None = None

    @property
    def diverged(self) -> bool:
        return not (math.isfinite(self.loss) and math.isfinite(self.train_loss))


def row(job: Job, measured: Measured, corpus: Corpus, device: str) -> dict[str, Any]:
    """One row of the table: a state of a run after some step, its sizes those of the model that was measured.

    FLOPs are counted by component, attention included.
    """
    shape = job.shape_at(measured.step)
    parts = shape.parameters()
    tokens = measured.step * job.batch_tokens
    state = "diverged" if measured.diverged else "finished"
    values = (
        job.run_id, job.mechanism, parts.total, parts.active, parts.non_embedding, tokens,
        job.flops_after(measured.step), FLOPS_CONVENTION, shape.layers, shape.width, shape.heads, shape.ffn,
        shape.vocab, max(1, shape.experts), max(1, shape.active_experts), shape.loops, shape.streams, job.context,
        job.batch_tokens, job.steps, job.learning_rate, _name(job.schedule, SCHEDULES), _name(job.optimiser, OPTIMISERS),
        job.precision, job.seed, f"{job.corpus.name}:{job.corpus_sha256[:12]}", corpus.unit,
        _number(corpus.entropy_rate), measured.step, measured.learning_rate,
        _number(measured.train_loss), _number(measured.loss),
        _number(measured.accuracy), _number(measured.answer_loss), round(measured.seconds, 3), device, state,
    )  # fmt: skip
    return dict(
        zip(COLUMNS, (*values, *_techniques(job), *_knowledge(measured, corpus), *_further(job, corpus)), strict=True)
    )


def _techniques(job: Job) -> tuple[int | float | str, ...]:
    stacking, regulariser = job.stacking, job.regulariser
    grown = (stacking.factor, stacking.base_tokens) if stacking else (1, 0)
    return (*grown, *(("loop", regulariser.weight, regulariser.period) if regulariser else ("none", 0.0, 0)))


def _knowledge(measured: Measured, corpus: Corpus) -> tuple[float | str, float | str]:
    """The loss of names, and the bits that this and the loss of answers show."""
    names, answers = measured.name_loss, measured.answer_loss
    if names is None or answers is None or corpus.stored_bits is None:
        return "", ""
    return _number(names), round(corpus.stored_bits(names, answers), 3)


def _further(job: Job, corpus: Corpus) -> tuple[int | float | str, ...]:
    """The least loss of windows, what else tells shapes apart, as given, and when a run is stacked; "" for nothing."""
    least = corpus.least_loss and corpus.least_loss(job.context)
    shape = tuple("" if (value := getattr(job.shape, name)) is None else value for name in SHAPE_COLUMNS)
    return _number(least), *shape, job.stacking.when if job.stacking else ""


def _name(part: object, kinds: Any) -> str:
    return next(name for name, kind in kinds.items() if type(part) is kind)


def _number(value: float | None) -> float | str:
    return round(value, 8) if value is not None and math.isfinite(value) else ""
