"""The records of sweeps as questions of planning take them, and what of problems is known before they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from allometry.inference.policies import Seen
from allometry.inference.records import read_asked
from allometry.inference.sweeps import Outcome, read_outcomes
from allometry.notices import Refused
from allometry.runs import read_table

Lengths: TypeAlias = Annotated[bool, typer.Option("--lengths", help="Let a rule look at the length of the prompt.")]
Scores: TypeAlias = Annotated[str | None, typer.Option(help="Table with the columns problem, score: a number of yours that a rule may look at.")]  # fmt: skip


def read_sweeps(folders: Sequence[str]) -> list[Outcome]:
    """The outcomes of all folders; one that is in two of them counts once."""
    found = {
        (o.problem, o.identity, o.engine, o.budget, o.seed, o.scorer): o
        for folder in folders
        for o in read_outcomes(folder)
    }
    return list(found.values())


def known_of(folders: Sequence[str], lengths: bool, scores: str | None) -> dict[Seen, dict[str, float]]:
    """What is known of each problem before it is asked, by name.

    Errors: `Refused` where prompts were not kept, and for a table without the columns.
    """
    known: dict[Seen, dict[str, float]] = {}
    if lengths:
        told = {problem: length for folder in folders for problem, length in read_asked(folder).characters.items()}
        known["prompt_length"] = {problem: float(length) for problem, length in told.items() if length is not None}
        if not known["prompt_length"]:
            raise Refused("no-texts", "these records hold no prompts", "--lengths", "sweep with --keep text")
    if scores is not None:
        columns = read_table(scores).columns
        for name in ("problem", "score"):
            if name not in columns:
                raise Refused("missing-column", f"the table has no column {name!r}", scores, "give problem, score")
        try:
            pairs = zip(columns["problem"], columns["score"], strict=True)
            known["score"] = {_id(problem): float(score) for problem, score in pairs}
        except (TypeError, ValueError):
            raise Refused("not-numbers", "a score is no number", scores, "give plain numbers") from None
    return known


def _id(problem: object) -> str:
    """The id of a problem, which a table may hold as a number."""
    return f"{problem:.0f}" if isinstance(problem, float) and problem.is_integer() else str(problem)


def named(text: str, engines: Sequence[str]) -> str:
    """The engine that a text means: its identity or a part of it, or an engine as `--engine` takes it.

    Errors: `Refused` where it means none of them, or several.
    """
    from allometry.inference.engines import find_engine

    found = [engine for engine in engines if text in engine]
    if not found and text.partition(":")[0] in ("embedded", "simulator", "openai"):
        found = [engine for engine in engines if engine == find_engine(text).profile.identity]
    if len(found) != 1:
        said = "several" if found else "none"
        raise Refused("unknown-engine", f"{text!r} names {said} of the engines of the sweep", "--trained",
                      f"name one of {', '.join(engines)}")  # fmt: skip
    return found[0]
