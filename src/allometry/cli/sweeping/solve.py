"""`allometry solve`: one strategy on prompts of one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from allometry.cli.options import Json, Seed
from allometry.cli.output import print_json, print_lines, progress
from allometry.cli.sweeping.options import (
    AllowCode,
    DraftEngine,
    Judge,
    KeepText,
    Read,
    RecordsFolder,
    RedactHook,
    open_engines,
    open_records,
)
from allometry.cli.sweeping.posing import Posed
from allometry.inference.calls import NUMBERS, read_budgets
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps import Outcome
from allometry.inference.sweeps import sweep as sweep_of
from allometry.inference.tasks import Problem, find_reader, read_problems
from allometry.notices import Refused

BUDGET = "generated_tokens=4096"


def solve(
    strategy: Annotated[str, typer.Option(help="Such as self_consistency, 'best_of_n(selector=judge, samples=8)' or mine.py:name.")],
    engine: Annotated[str, typer.Option(help="embedded, openai:URL#MODEL, records:DIR or simulator:FILE.")],
    prompt: Annotated[list[str] | None, typer.Argument(metavar="[PROMPT]...", help="What is asked; or --prompts.")] = None,
    prompts: Annotated[str | None, typer.Option(help="File of JSON lines with prompt or messages.")] = None,
    budget: Annotated[str, typer.Option(help="Of each prompt, as in sweep.")] = BUDGET,
    tokens: Annotated[int, typer.Option(help="The longest single answer, where the file does not say.", min=1)] = Problem("", "-").sample_tokens,
    read: Read = None, judge: Judge = None, draft: DraftEngine = None, records: RecordsFolder = None, keep: KeepText = "text",
    redact: RedactHook = None, allow_code: AllowCode = False, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Answer prompts by a strategy within a budget each; nothing scores the answers.

    Prints the answer that the strategy settled on, its votes and what it took. For accuracies use sweep.
    """
    posed = Posed("prompts", tuple(_problems(prompt, prompts, tokens, read)), None, allow_code=allow_code)
    limits = read_budgets(budget)
    if len(limits) != 1:
        raise Refused("bad-budget", f"{budget!r} is a series", "--budget", "give one, or use sweep")
    chosen: Strategy = posed.strategy(strategy, None)
    [roles] = open_engines([engine], judge, draft)
    with open_records(records, keep, redact) as kept, progress("prompts", len(posed.problems)) as tick:
        found = sweep_of(posed.problems, [chosen], limits, roles, records=kept, seed=seed, replay=True, tick=tick)
    answers = [_answer(problem, outcome) for problem, outcome in zip(posed.problems, found, strict=True)]
    if json:
        print_json({"strategy": chosen.label, "engine": roles["main"].profile.identity, "answers": answers})
    else:
        for answer in answers:
            _show(answer)


def _problems(prompt: list[str] | None, prompts: str | None, tokens: int, read: str | None) -> list[Problem]:
    if bool(prompt) == bool(prompts):
        raise Refused("no-prompts", "solve needs prompts, from the command line or from a file, not both", "--prompts",
                      'write allometry solve "..." or --prompts FILE')  # fmt: skip
    reader = None if read is None else find_reader(read)
    if prompts is not None:
        return read_problems(prompts, read=reader)
    given = [Problem(f"{i}", text, sample_tokens=tokens) for i, text in enumerate(prompt or (), 1)]
    return given if reader is None else [replace(problem, read=reader) for problem in given]


def _answer(problem: Problem, outcome: Outcome) -> dict[str, Any]:
    text = None if outcome.response is None else outcome.response.content
    return {
        "id": problem.id, "answer": text, "read": None if text is None else _plain(problem.read(text)),
        "state": outcome.state, "why": outcome.why, "votes": list(outcome.votes), "samples": outcome.samples,
        "figures": {name: list(values) for name, values in outcome.figures.items()},
        "meter": {name: getattr(outcome.meter, name) for name in NUMBERS},
    }  # fmt: skip


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _show(answer: dict[str, Any]) -> None:
    votes = ", ".join(f"{weight:g}" for weight in answer["votes"])
    took = f"{answer['meter']['generated_tokens']} tokens, {answer['meter']['calls']} calls"
    told = f"{answer['id']}: {answer['state']}" + (f", votes {votes}" if votes else "") + f" ({took})"
    if answer["answer"] is not None:
        told += f"; {answer['why']}" if answer["why"] else ""
    print_lines(told, answer["answer"] if answer["answer"] is not None else answer["why"] or "no answer")
