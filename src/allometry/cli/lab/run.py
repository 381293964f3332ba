"""`allometry lab run`: train a ladder, resumable, into one table."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.lab.options import LadderFile, Workers, need_torch
from allometry.cli.options import Json
from allometry.cli.output import number, print_json, print_lines, progress
from allometry.lab.executors import find_executor
from allometry.lab.ladders import Outcome, most_memory, read_ladder, run_ladder

SOME_FAILED = 1
_TICKS = 1000


def run(
    ladder: LadderFile,
    out: Annotated[Path, typer.Option(help="Folder of the table runs.csv, and of what a killed ladder goes on from.")],
    on: Annotated[str, typer.Option(help="local; ray, for the cluster at hand or one started here; or a cluster's address.")] = "local",
    workers: Workers = None,
    at_once: Annotated[int | None, typer.Option("--at-once", help="Runs of one shape that a process trains together, with stacked weights; by default 1 on a CPU, up to 16 on a GPU.", min=1)] = None,
    checkpoint_every: Annotated[float, typer.Option("--checkpoint-every", help="Seconds between two checkpoints of a run.", min=0.0)] = 30.0,
    json: Json = False,
) -> int:  # fmt: skip
    """Train every run of a ladder and append its rows to one table as it ends.

    Killed and started again it goes on from its checkpoints, to the same losses. A ladder file with more sizes, budgets
    or seeds adds their runs; one with other settings is refused. Ends with status 1 where runs failed.
    """
    need_torch()
    found = read_ladder(ladder)
    executor = find_executor(on, workers, at_once)
    began, total = time.perf_counter(), sum(job.flops for job in found.jobs)
    with progress(f"{len(found.jobs)} runs, in thousandths of the FLOPs", _TICKS) as tick:
        outcome = run_ladder(found, out, executor, checkpoint_every, _thousandths(tick, total))
    seconds = time.perf_counter() - began
    memory = most_memory(found.jobs)
    if json:
        print_json({
            "ladder": found.name, "runs": [job.run_id for job in found.jobs], "kept": outcome.kept, "ended": outcome.ended, "flops": total,
            "memory": memory and memory.as_json(),
            "seconds": seconds, "table": str(outcome.table), "complete": not outcome.failed,
            "failed": [{"run_id": lost.job.run_id, "why": lost.why} for lost in outcome.failed],
        })  # fmt: skip
    else:
        _show(outcome, seconds)
    return SOME_FAILED if outcome.failed else 0


def _thousandths(tick: Callable[[int], None], total: float) -> Callable[[float], None]:
    """FLOPs as they are spent, told as whole thousandths of all."""
    spent, told = 0.0, 0

    def say(flops: float) -> None:
        nonlocal spent, told
        spent += flops
        now = round(_TICKS * spent / total)
        tick(now - told)
        told = now

    return say


def _show(outcome: Outcome, seconds: float) -> None:
    kept = f"; {outcome.kept} were there already" if outcome.kept else ""
    print_lines(f"{outcome.ended} runs trained in {number(seconds)} seconds{kept}")
    for lost in outcome.failed:
        print_lines(f"{lost.job.run_id} failed: {lost.why}; run this again to go on from its checkpoint")
    print_lines(f"written to {outcome.table}")
