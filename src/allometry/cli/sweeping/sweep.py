"""`allometry sweep`: strategies at budgets on the same problems, resumable, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import Json, Level, Seed, level_of
from allometry.cli.output import print_json, print_lines, print_table, progress
from allometry.cli.sweeping.dry import show_estimate
from allometry.cli.sweeping.options import (
    AllowCode,
    Difficulty,
    DraftEngine,
    EngineText,
    GraderText,
    Judge,
    KeepText,
    Problems,
    Read,
    RecordsFolder,
    RedactHook,
    Selector,
    StrategyText,
    faults_of,
    limit_of,
    open_engines,
    open_records,
)  # fmt: skip
from allometry.cli.sweeping.posing import Posed, pose
from allometry.cli.sweeping.watch import Watch
from allometry.cli.sweeping.write import check_outputs, write_rows
from allometry.inference.calls import MAIN, Budget, Ledger, read_budgets
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps import Results, Swept, summarise
from allometry.inference.sweeps import sweep as sweep_of
from allometry.notices import Refused


def sweep(
    task: Annotated[str, typer.Argument(metavar="TASK", help="countdown, chain, lookup or horizon; simulated, for a simulator; or a file of JSON lines with prompt or messages, and answer.")],
    strategy: StrategyText,
    budget: Annotated[str, typer.Option(help="Of each problem: generated_tokens=64:512:x2 (from, to, times), calls=, flops=, seconds= or money=; a bare number is generated tokens.")],
    engine: EngineText,
    problems: Problems = None, difficulty: Difficulty = None, grader: GraderText = None, read: Read = None,
    selector: Selector = None,
    scorer: Annotated[str | None, typer.Option(help="What says which answers are right, where that is not --grader.")] = None,
    judge: Judge = None, draft: DraftEngine = None, records: RecordsFolder = None, keep: KeepText = "text", redact: RedactHook = None,
    allow_code: AllowCode = False,
    seeds: Annotated[int, typer.Option(help="How often everything is run, from --seed upwards.", min=1)] = 1,
    limit: Annotated[str | None, typer.Option(help="For the whole sweep, such as money=200: no call is made that may exceed it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask nothing: say what it would take, expected and at worst.")] = False,
    detect: Annotated[float | None, typer.Option(help="With --dry-run: how many problems tell so many points apart.", min=0.01, max=100)] = None,
    out: Annotated[Path | None, typer.Option(help="Table of the rows to write: .csv, .parquet or .jsonl.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Page to write: accuracy against cost, .html.")] = None,
    selector_errors: Annotated[bool, typer.Option("--selector-errors", help="Score every sample that best-of-N chose among: how often its selector errs, and from which N on more samples hurt.")] = False,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Run strategies at budgets on the same problems: accuracy with intervals against tokens, calls, seconds and money.

    Stopped and started again with the same --records it goes on, and asks for no answer twice. Answers of a strategy
    at a small budget are used by it at a larger one. What chooses an answer and what scores it are two graders: where
    the chooser saw the right answer the row is an oracle's, a bound and no method.
    """
    posed = pose(task, problems, difficulty, scorer or grader, read, allow_code=allow_code)
    check_outputs(out, figure, posed)
    strategies = [posed.strategy(text, selector) for text in strategy]
    budgets, limits = read_budgets(budget), limit_of(limit)
    engines = open_engines(engine, judge, draft)
    if dry_run:
        show_estimate(posed, strategies, budgets, engines, seeds, records, detect, level_of(level, 0.9), json=json)
        return
    if detect is not None:
        raise Refused("no-dry-run", "--detect says how many problems a sweep needs", "--detect", "add --dry-run")
    watch = Watch(strategies, engines, posed, level_of(level, 0.9)) if selector_errors else None
    with open_records(records, keep, redact) as kept:
        swept = _run(posed, strategies, budgets, engines, kept, seed, seeds, limits, watch)
        selected = () if watch is None else watch.found(kept)
    names = {roles[MAIN].profile.identity: text for roles, text in zip(engines, engine, strict=True)}
    found = replace(summarise(swept, level_of(level, 0.9), names), selectors=selected)
    written = write_rows(found, out, figure, f"{posed.name}: strategies at budgets")
    if json:
        print_json({"task": posed.name, **found.as_json(), "records": records, "faults": faults_of(engines), **written})
    else:
        _show(found, posed, records, written)
        for name, faults in faults_of(engines).items():
            told = ", ".join(f"{count} {reason}" for reason, count in faults.items())
            print_lines(f"{name}: attempts that failed and may have been paid for, those made good in no meter: {told}")


def _run(
    posed: Posed, strategies: Sequence[Strategy], budgets: Sequence[Budget], engines: Sequence[Any], kept: Records,
    seed: int, seeds: int, limit: Budget | None, watch: Watch | None,
) -> list[Swept]:  # fmt: skip
    paid = Ledger(limit)
    episodes = len(posed.problems) * len(strategies) * len(budgets) * len(engines) * seeds
    with progress("problems at budgets", episodes) as tick:
        return [
            sweep_of(
                posed.problems, strategies if watch is None else watch.strategies(i), budgets, roles, scorer=posed.scorer,
                records=kept, seed=seed, seeds=seeds, limit=paid, tick=tick, replay=watch is not None,
            )
            for i, roles in enumerate(engines)
        ]  # fmt: skip


def _show(found: Results, posed: Posed, records: str | None, written: dict[str, str | None]) -> None:
    from allometry.reports import selector_words, sweep_words

    told = sweep_words.words(found)
    print_table(f"{posed.name}, {len(posed.problems)} problems; {told.common}", told.heads, told.rows)
    print_lines(*sweep_words.compared(found))
    print_lines(
        *(line for selected in found.selectors for line in selector_words.words(selected.errors, selected.strategy))
    )
    for row in found.rows:
        counted = "counted as not right" if row.accuracy.value is not None else "so there is no accuracy"
        for count, what in ((row.failed, f"failed ({row.failure})"), (row.unaffordable, "could not afford a call")):
            if count:
                print_lines(f"{row.strategy} at {row.unit}={row.budget:g}: {count} {what}: {counted}")
    if not found.complete:
        print_lines(f"not complete: {found.why}" + (f"; go on with --records {records}" if records else ""))
        fewest = min((row.problems for row in found.rows), default=0)
        if fewest < len(posed.problems):
            print_lines(f"rows rest on {fewest} to {len(posed.problems)} problems: compare only what is paired")
    print_lines(*(f"written to {path}" for path in written.values() if path))
