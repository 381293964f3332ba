"""What all runs of a ladder have in common: how they are trained and measured, and on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allometry.lab.corpora import CorpusChoice, find_corpus
from allometry.lab.jobs import PRECISIONS, Evaluation
from allometry.lab.ladders.rates import Rate, read_rate
from allometry.lab.optimisers import OPTIMISERS, Optimiser
from allometry.lab.schedules import SCHEDULES, Schedule
from allometry.lab.tables import as_table, check_above_zero, check_keys, check_type, named_fields, read_fields
from allometry.notices import Refused

TRAINING_KEYS = ("context", "batch_tokens", "learning_rate", "clip", "precision")


@dataclass(frozen=True)
class Shared:
    """What all runs of a ladder have in common."""

    context: int
    batch_tokens: Rate
    learning_rate: Rate
    clip: float
    precision: str
    schedule: Schedule
    optimiser: Optimiser
    evaluation: Evaluation
    corpus: CorpusChoice

    def as_json(self) -> dict[str, Any]:
        """As plain values; of the corpus its name, for its content has a fingerprint of its own."""
        parts = {"schedule": self.schedule, "optimiser": self.optimiser, "evaluation": self.evaluation}
        rates = {"batch_tokens": self.batch_tokens, "learning_rate": self.learning_rate}
        return {
            "context": self.context, "clip": self.clip, "precision": self.precision,
            "corpus": self.corpus.name, **{name: {"kind": type(part).__name__, **asdict(part)} for name, part in parts.items()},  # type: ignore[call-overload]
            **{name: {"number": rate.number, "law": rate.law and rate.law.formula.text, "values": dict(rate.values or {})}
               for name, rate in rates.items()},
        }  # fmt: skip


def read_shared(contents: Mapping[str, Any], folder: Path) -> Shared:
    """The tables `[training]`, `[schedule]`, `[optimiser]`, `[evaluation]` and `[corpus]`; paths are taken from `folder`."""
    training = as_table(contents["training"], "[training]")
    check_keys(training, TRAINING_KEYS, "[training]")
    for key in ("context", "batch_tokens", "learning_rate"):
        if key not in training:
            raise Refused("missing-key", f"`{key}` is missing", "[training]", f"add {key} = ...")
    for key, kind in (("context", int), ("clip", float), ("precision", str)):
        check_type(key, training.get(key, {"clip": 1.0, "precision": "float32"}.get(key)), kind, "[training]")
    for key in ("context", "clip"):
        check_above_zero(key, training.get(key, 1.0), "[training]")
    if training.get("precision", "float32") not in PRECISIONS:
        raise Refused("bad-value", f"there is no precision {training['precision']!r}", "[training]", f"use one of {', '.join(PRECISIONS)}")  # fmt: skip
    optimiser = named_fields(OPTIMISERS, contents.get("optimiser", {}), "[optimiser]", "adamw")
    optimiser.check()
    return Shared(
        context=training["context"],
        batch_tokens=read_rate(training["batch_tokens"], "batch_tokens"),
        learning_rate=read_rate(training["learning_rate"], "learning_rate"),
        clip=float(training.get("clip", 1.0)),
        precision=training.get("precision", "float32"),
        schedule=named_fields(SCHEDULES, contents.get("schedule", {}), "[schedule]", "cosine"),
        optimiser=optimiser,
        evaluation=read_fields(Evaluation, as_table(contents.get("evaluation", {}), "[evaluation]"), "[evaluation]"),
        corpus=_corpus(contents.get("corpus", {}), folder),
    )


def _corpus(table: object, folder: Path) -> CorpusChoice:
    contents = as_table({"name": table} if isinstance(table, str) else table, "[corpus]")
    options = {key: value for key, value in contents.items() if key != "name"}
    if isinstance(options.get("path"), str):
        options["path"] = str((folder / Path(options["path"]).expanduser()).resolve())
    return find_corpus(str(contents.get("name", "standard-library")), options)
