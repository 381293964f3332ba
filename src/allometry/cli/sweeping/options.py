"""Options that the commands of test-time scaling share, and what they open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

import typer

from allometry.inference.calls import MAIN, Budget, Engine, read_budgets
from allometry.inference.engines import find_engine
from allometry.inference.records import Records, find_hook
from allometry.inference.strategies.draft_target import DRAFT
from allometry.inference.verifiers.apart import PROTECTION
from allometry.inference.verifiers.graders.judge import ROLE as JUDGE
from allometry.notices import Refused

StrategyText: TypeAlias = Annotated[list[str], typer.Option(help="greedy, best_of_n, self_consistency, adaptive_self_consistency, blend_self_consistency, first_finish, budget_forcing, no_thinking, parallel_paths, spawn_join, fork_join, plan_and_budget, selective, plan_search, refine, beam, dvts, rebase, ets, a_star, backtracking, particle_filter, particle_gibbs, with arguments as in 'best_of_n(samples=8)', or mine.py:name; repeatable.")]  # fmt: skip
EngineText: TypeAlias = Annotated[list[str], typer.Option(help="embedded, embedded:weak, embedded:middle, openai:URL#MODEL, records:DIR (DIR#ENGINE where it holds several), simulator:FILE; repeatable.")]  # fmt: skip
Problems: TypeAlias = Annotated[int | None, typer.Option(help="How many problems: by default 200 of a built-in task, all of a file.", min=1)]  # fmt: skip
Difficulty: TypeAlias = Annotated[int | None, typer.Option(help="Of a built-in task: how many numbers, steps or hops.", min=1)]  # fmt: skip
GraderText: TypeAlias = Annotated[str | None, typer.Option(help="What says which answers are right: answer or steps of a built-in task; exact, numeric, regex:PATTERN, choice, json, math, judge, command:PROGRAM, python, or mine.py:grade.")]  # fmt: skip
Read: TypeAlias = Annotated[str | None, typer.Option(help="How the final answer is read, for votes: whole, answer, number, choice, boxed, json, or mine.py:read; by default as the grader reads it.")]  # fmt: skip
Selector: TypeAlias = Annotated[str | None, typer.Option(help="Grader that chooses among samples, by default that of the task unless it sees the answers; reward is a learned one for built-in tasks.")]  # fmt: skip
Judge: TypeAlias = Annotated[str | None, typer.Option(help="Engine of the grader judge.")]
DraftEngine: TypeAlias = Annotated[str | None, typer.Option("--draft", help="Engine that drafts for the strategy draft_target.")]  # fmt: skip
RecordsFolder: TypeAlias = Annotated[str | None, typer.Option("--records", help="Folder in which every sample is kept, and from which a stopped sweep goes on.")]  # fmt: skip
KeepText: TypeAlias = Annotated[str, typer.Option(help="What records hold of the texts: text, hashes, or meters only.")]
RedactHook: TypeAlias = Annotated[str | None, typer.Option(help="module:function or FILE.py:function that changes each line before it is written.")]  # fmt: skip
AllowCode: TypeAlias = Annotated[bool, typer.Option("--allow-code", help=f"Let graders run programs that a model may have written. {PROTECTION}")]  # fmt: skip


def open_engines(texts: Sequence[str], judge: str | None, draft: str | None = None) -> list[dict[str, Engine]]:
    """Each engine by role; all are judged by the same one, and drafted for by the same one.

    Errors: `Refused` for one engine given twice: its answers would be counted twice.
    """
    roles = {role: find_engine(text) for role, text in ((JUDGE, judge), (DRAFT, draft)) if text is not None}
    engines = [find_engine(text) for text in texts]
    names = [engine.profile.identity for engine in engines]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise Refused("twice", f"two engines are {name}", "--engine", "drop all but one")
    return [{MAIN: engine, **roles} for engine in engines]


def faults_of(engines: Sequence[Mapping[str, Engine]]) -> dict[str, dict[str, int]]:
    """Attempts of endpoints that failed, by engine and why; those that had none are left out."""
    from allometry.inference.engines.endpoint import Endpoint

    every = [engine for roles in engines for engine in roles.values() if isinstance(engine, Endpoint)]
    return {engine.profile.identity: dict(engine.faults) for engine in every if engine.faults}


def open_records(folder: str | None, keep: str, redact: str | None) -> Records:
    """The records of a folder; in memory where there is none."""
    return Records(folder, keep=keep, redact=None if redact is None else find_hook(redact))


def limit_of(text: str | None) -> Budget | None:
    """The limit for everything that is drawn; none where none is given."""
    if text is None:
        return None
    found = read_budgets(text)
    if len(found) != 1:
        raise Refused("bad-limit", f"{text!r} is a series", "--limit", "give one number, such as money=200")
    return found[0]
