"""The ladder file: one TOML file that says everything, checked as a whole before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from allometry.costs import Shape
from allometry.lab.corpora import CorpusChoice, find_corpus
from allometry.lab.corpus import Corpus, check_epoch, check_held_out, check_records
from allometry.lab.jobs import LOOP_VERSION, PRECISIONS, Evaluation, Job, fingerprint
from allometry.lab.ladders.rates import Rate, read_rate
from allometry.lab.ladders.techniques import check_regulariser, read_growth, read_regularisers
from allometry.lab.optimisers import OPTIMISERS, Optimiser
from allometry.lab.schedules import SCHEDULES, Schedule
from allometry.lab.tables import (
    as_list,
    as_table,
    check_above_zero,
    check_keys,
    check_type,
    named_fields,
    read_fields,
)
from allometry.notices import Notice, Refused, Step

KEYS = ("name", "mechanism", "seeds", "sizes", "axes", "budget", "training", "schedule", "optimiser", "corpus", "evaluation", "growth", "regulariser")  # fmt: skip
MOST_SEEDS, MOST_TOKENS = 10_000, 1e15
TRAINING_KEYS = ("context", "batch_tokens", "learning_rate", "clip", "precision")
# The fields of a shape that every ladder may set; those of its mechanism are the mechanism's own.
PLAIN_FIELDS = ("layers", "width", "heads", "head_size", "ffn")


@dataclass(frozen=True)
class Ladder:
    """A ladder file as read: its runs in the order they are trained, cheapest first.

    `settings` are what all runs share, `steps` where learning rate, batch and times of stacking come from.
    """

    name: str
    jobs: tuple[Job, ...]
    corpus: Corpus
    settings: Mapping[str, Any]
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what all runs share."""
        return fingerprint(self.settings)


def read_ladder(path: Path) -> Ladder:
    """A ladder file as runs.

    Errors: `Refused` for a file that cannot be read, keys that are not known (with the nearest that are), values that
    cannot be, shapes that the lab does not build, budgets of less than a step or more than the corpus, and an
    optimiser that the installed torch lacks.
    """
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(
            "cannot-read", f"the ladder cannot be read: {error.strerror}", str(path), "give a TOML file"
        ) from None
    except ValueError as error:
        raise Refused("bad-ladder", f"the ladder is not TOML: {error}", str(path), "mend the line") from None
    return ladder_of(contents, path.stem, path.parent)


def ladder_of(contents: Mapping[str, Any], name: str = "ladder", folder: Path = Path()) -> Ladder:
    """The same of the content of a ladder file; paths in it are taken from `folder`."""
    check_keys(contents, KEYS, "the ladder file")
    for key in ("sizes", "budget", "training"):
        if key not in contents:
            raise Refused("missing-key", f"`{key}` is missing", "the ladder file", f"add [{key}]" if key != "sizes" else "add sizes = [{ layers = 1, width = 32, heads = 2, ffn = 128 }]")  # fmt: skip
    shared = _shared(contents, folder)
    corpus = shared.corpus.read()
    check_records(corpus, shared.context)
    check_held_out((len(corpus.held_out) - 1) // shared.context, shared.evaluation.windows)
    mechanism, growth = _mechanism(contents), read_growth(contents.get("growth"))
    jobs, notices = list[Job](), list[Notice]()
    for shape in _shapes(contents, mechanism, corpus.vocab):
        for tokens, regulariser in product(_budgets(contents, shape), read_regularisers(contents.get("regulariser"))):
            job = _job(shared, corpus, mechanism, shape, tokens)
            for factor in growth.factors:
                stacking, all_tokens, said = growth.run(factor, shape, job.tokens, job.context, job.batch_tokens)
                check_regulariser(regulariser, stacking, shape)
                check_epoch((len(corpus.train) - 1) // job.context, all_tokens // job.context, job.context)
                found = replace(job, tokens=all_tokens, stacking=stacking, regulariser=regulariser)
                jobs += [replace(found, seed=seed) for seed in _seeds(contents)]
                notices += said
    unique = {job.run_id: job for job in jobs}
    check_type("name", contents.get("name", name), str, "the ladder file")
    return Ladder(
        contents.get("name", name),
        tuple(sorted(unique.values(), key=lambda job: job.flops)),
        corpus,
        {**shared.as_json(), "corpus_sha256": corpus.sha256, "loop": LOOP_VERSION},
        (shared.learning_rate.step("learning_rate"), shared.batch_tokens.step("batch_tokens"), *growth.grounds()),
        tuple(dict.fromkeys(notices)),
    )


@dataclass(frozen=True)
class _Shared:
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


def _shared(contents: Mapping[str, Any], folder: Path) -> _Shared:
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
    return _Shared(
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


def _mechanism(contents: Mapping[str, Any]) -> str:
    from allometry.lab.mechanisms import find_mechanism

    name = str(contents.get("mechanism", "plain"))
    find_mechanism(name)
    return name


def _shapes(contents: Mapping[str, Any], mechanism: str, vocab: int) -> Iterator[Shape]:
    """Every size with every combination of the axes."""
    from allometry.lab.mechanisms import find_mechanism

    known = (*PLAIN_FIELDS, *sorted(find_mechanism(mechanism).fields))
    axes = as_table(contents.get("axes", {}), "[axes]")
    check_keys(axes, known, "[axes]")
    values = [as_list(key, value, _kind(key), "[axes]") for key, value in axes.items()]
    sizes = contents["sizes"]
    if not isinstance(sizes, list) or not sizes:
        raise Refused("no-sizes", "`sizes` is no list of tables", "sizes", "write sizes = [{ layers = 1, width = 32, heads = 2, ffn = 128 }]")  # fmt: skip
    for number, size in enumerate(sizes, start=1):
        where = f"sizes, number {number}"
        check_keys(as_table(size, where), known, where)
        for chosen in product(*values):
            yield _shape({**size, **dict(zip(axes, chosen, strict=True))}, vocab, where)


def _kind(field: str) -> type:
    """The type of a field of a shape, by its default; counts have none, or None."""
    default = getattr(Shape, field, None)
    return int if default is None else type(default)


def _shape(given: dict[str, Any], vocab: int, where: str) -> Shape:
    from allometry.lab.models import check_buildable

    for name in ("layers", "width", "heads", "ffn"):
        if name not in given:
            raise Refused("missing-key", f"`{name}` is missing", where, f"add {name} = ...")
    for key, value in given.items():
        check_type(key, value, _kind(key), where)
    if "head_size" not in given:
        if given["heads"] < 1 or given["width"] % given["heads"]:
            raise Refused("does-not-divide", f"width ({given['width']}) is no multiple of heads ({given['heads']})", where,
                          "give heads that divide it, or head_size")  # fmt: skip
        given["head_size"] = given["width"] // given["heads"]
    try:
        shape = Shape(**given, vocab=vocab)
        check_buildable(shape)
    except Refused as refused:
        raise Refused(refused.code, refused.message, where, refused.mend) from None
    if shape.head_size % 2:
        raise Refused(
            "odd-heads", f"heads of {shape.head_size} cannot turn by rotary positions", where, "give an even head_size"
        )
    return shape


def _budgets(contents: Mapping[str, Any], shape: Shape) -> list[float]:
    """Tokens of each run of a shape, absolute or by its parameters."""
    table = as_table(contents["budget"], "[budget]")
    check_keys(table, ("tokens", "tokens_per_param"), "[budget]")
    if len(table) != 1:
        raise Refused(
            "bad-budget", "the budget is not said in one way", "[budget]", "give either tokens or tokens_per_param"
        )
    key, value = next(iter(table.items()))
    found = as_list(key, value, float, "[budget]")
    for number in found:
        check_above_zero(key, number, "[budget]")
    budgets = [number * (shape.parameters().total if key == "tokens_per_param" else 1) for number in found]
    if max(budgets) > MOST_TOKENS:
        raise Refused("bad-budget", f"{max(budgets):g} tokens are more than any corpus has", "[budget]", "give fewer")
    return budgets


def _seeds(contents: Mapping[str, Any]) -> list[int]:
    """A list of seeds, or how many from 0 upwards."""
    given = contents.get("seeds", 1)
    seeds = as_list("seeds", given, int, "seeds")
    if isinstance(given, int):
        check_above_zero("seeds", given, "seeds")
        if given > MOST_SEEDS:
            raise Refused("bad-value", f"{given} seeds are more than {MOST_SEEDS}", "seeds", "give how many, or a list such as [7]")  # fmt: skip
        return list(range(given))
    for seed in seeds:
        check_above_zero("seeds", seed, "seeds", zero=True)
    return seeds


def _job(shared: _Shared, corpus: Corpus, mechanism: str, shape: Shape, tokens: float) -> Job:
    """The run from scratch with the first seed."""
    context = shared.context
    wanted = shared.batch_tokens.at(shape, tokens, context)
    batch = max(1, round(wanted / context)) * context
    if shared.batch_tokens.law is None and batch != wanted:
        raise Refused("bad-batch", f"batch_tokens ({wanted:g}) are no whole windows of {context}", "[training]",
                      f"give batch_tokens = {batch}")  # fmt: skip
    steps = int(tokens // batch)
    if steps < 1:
        raise Refused("no-step", f"a budget of {tokens:g} tokens is less than a step of {batch}", "[budget]",
                      "give more tokens or a smaller batch")  # fmt: skip
    return Job(
        shape=shape, tokens=steps * batch, seed=0, context=context, batch_tokens=batch,
        learning_rate=shared.learning_rate.at(shape, tokens, context), corpus_sha256=corpus.sha256,
        mechanism=mechanism, schedule=shared.schedule, optimiser=shared.optimiser, clip=shared.clip,
        precision=shared.precision, evaluation=shared.evaluation, corpus=shared.corpus,
    )  # fmt: skip
