"""The ladder file: one TOML file that says everything, checked as a whole before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from allometry.costs import Shape
from allometry.lab.corpus import Corpus, check_epoch, check_held_out, check_records
from allometry.lab.jobs import LOOP_VERSION, Job, fingerprint
from allometry.lab.ladders.settings import Shared, read_shared
from allometry.lab.ladders.shapes import read_mechanism, read_shapes
from allometry.lab.ladders.techniques import check_regulariser, read_growth, read_regularisers
from allometry.lab.tables import as_list, as_table, check_above_zero, check_keys, check_type
from allometry.notices import Notice, Refused, Step

KEYS = ("name", "mechanism", "seeds", "sizes", "axes", "budget", "training", "schedule", "optimiser", "corpus", "evaluation", "growth", "regulariser")  # fmt: skip
MOST_SEEDS, MOST_TOKENS = 10_000, 1e15


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
    shared = read_shared(contents, folder)
    corpus = shared.corpus.read()
    check_records(corpus, shared.context)
    check_held_out((len(corpus.held_out) - 1) // shared.context, shared.evaluation.windows)
    mechanism, growth = read_mechanism(contents), read_growth(contents.get("growth"))
    jobs, notices = list[Job](), list[Notice]()
    for shape in read_shapes(contents, mechanism, corpus.vocab):
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


def _job(shared: Shared, corpus: Corpus, mechanism: str, shape: Shape, tokens: float) -> Job:
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
