"""`allometry lab plan`: what a ladder takes, before it is begun."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.lab.options import LadderFile, Workers, need_torch
from allometry.cli.options import Json
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.lab.jobs import Job
from allometry.lab.ladders import Folder, Ladder, LadderPlan, plan_ladder, read_ladder, roofline_pace


def plan(
    ladder: LadderFile,
    out: Annotated[Path | None, typer.Option(help="Folder of the ladder: runs that it holds are left out.")] = None,
    hardware: Annotated[str | None, typer.Option(help="Take the time from the costs on this device, e.g. h200 or a calibrated file; by default a few steps are timed here.")] = None,
    workers: Workers = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Runs, FLOPs, memory and expected time of a ladder; the ladder file is checked whole."""
    need_torch()
    found = read_ladder(ladder)
    planned = planned_of(found, out, hardware, workers or os.cpu_count() or 1)
    if json:
        print_json({
            "ladder": found.name, **plan_json(planned), "corpus": corpus_json(found), "fingerprint": found.fingerprint,
            "warnings": [{"code": notice.code, "message": notice.message} for notice in found.notices],
        })  # fmt: skip
    else:
        show_plan(found, planned)


def planned_of(ladder: Ladder, out: Path | None, hardware: str | None, workers: int) -> LadderPlan:
    """The plan of what is left of a ladder."""
    from allometry.costs import find_hardware

    done: set[str] = set()
    if out is not None:
        folder = Folder(out)
        folder.check(ladder)
        done = folder.finished()
    jobs = [job for job in ladder.jobs if job.run_id not in done]
    if hardware is not None or not jobs:
        pace, ground = roofline_pace(find_hardware(hardware or "h200"))
        return plan_ladder(jobs, pace, workers, (*ladder.steps, ground) if jobs else ladder.steps)
    from allometry.lab.ladders.speed import measured_pace

    with working("timing a few steps"):
        pace, ground = measured_pace(jobs)
    return plan_ladder(jobs, pace, workers, (*ladder.steps, ground))


def plan_json(planned: LadderPlan) -> dict[str, Any]:
    """What is said of a plan."""
    return {
        "runs": [
            {"run_id": job.run_id, "mechanism": job.mechanism, "shape": job.shape.as_json(),
             "params": job.shape.parameters().total, "tokens": job.tokens, "seed": job.seed, "steps": job.steps,
             "batch_tokens": job.batch_tokens, "learning_rate": job.learning_rate, "flops": job.flops, "seconds": seconds,
             **_techniques(job)}
            for job, seconds in zip(planned.jobs, planned.seconds, strict=True)
        ],
        "flops": planned.flops,
        "memory": None if planned.memory is None else planned.memory.as_json(),
        "seconds": planned.total_seconds,
        "workers": planned.workers,
        "grounds": [step.as_json() for step in planned.steps],
    }  # fmt: skip


def corpus_json(ladder: Ladder) -> dict[str, Any]:
    """What is known of the corpus of a ladder."""
    corpus = ladder.corpus
    return {
        "vocab": corpus.vocab, "tokens": len(corpus.train), "held_out_tokens": len(corpus.held_out), "loss_unit": corpus.unit,
        "entropy_rate": corpus.entropy_rate, "least_loss": _least_loss(ladder), "known": list(corpus.known),
    }  # fmt: skip


def _floors(ladder: Ladder) -> list[str]:
    """What no model gets below in the mean; for a source that looks further back, over windows that begin anew too."""
    corpus, least = ladder.corpus, _least_loss(ladder)
    if corpus.entropy_rate is None:
        return []
    told = [f"known of the corpus: its entropy rate is {corpus.entropy_rate:.6g} {corpus.unit}, below which no loss lies but by the luck of the held-out text"]  # fmt: skip
    if least is not None and least > corpus.entropy_rate * (1 + 1e-9):
        told.append(f"known of the corpus: the least loss over windows of {ladder.jobs[0].context} is {least:.6g}, for their first tokens know too few before them")  # fmt: skip
    return told


def _least_loss(ladder: Ladder) -> float | None:
    least = ladder.corpus.least_loss
    return None if least is None else least(ladder.jobs[0].context)


def _techniques(job: Job) -> dict[str, Any]:
    """Stacking and regulariser of a run, null where it has none."""
    return {"growth": job.stacking and asdict(job.stacking), "regulariser": job.regulariser and asdict(job.regulariser)}


def show_plan(ladder: Ladder, planned: LadderPlan) -> None:
    left = len(planned.jobs)
    title = f"{ladder.name}: {left} runs" + ("" if left == len(ladder.jobs) else f" left of {len(ladder.jobs)}")
    print_table(title, *_table(planned))
    memory = 0.0 if planned.memory is None else planned.memory.total
    print_lines(
        f"{number(planned.flops)} FLOPs; {number(memory)} bytes a run at most; about {_time(planned.total_seconds)} with "
        f"{planned.workers} at a time"
    )  # fmt: skip
    print_lines(*_floors(ladder))
    print_lines(*(f"known of the corpus: {sentence}" for sentence in ladder.corpus.known))
    print_lines(*(f"[{step.mark}] {step.name}: {step.says}" for step in planned.steps))
    print_notices(ladder.notices)


def _table(planned: LadderPlan) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and lines; runs that differ by their seed alone on one.

    Where some run has a technique, techniques stand in the place of steps and batch: terminals have 80 columns.
    """
    techniques = any(job.stacking or job.regulariser for job in planned.jobs)
    groups: dict[tuple[str, ...], list[float]] = {}
    for job, seconds in zip(planned.jobs, planned.seconds, strict=True):
        how = _techniques_words(job) if techniques else (str(job.steps), str(job.batch_tokens))
        key = (job.mechanism, number(job.shape.parameters().total), number(job.tokens), *how, f"{job.learning_rate:.3g}",
               number(job.flops))  # fmt: skip
        groups.setdefault(key, []).append(seconds)
    lines = [(*key[:3], str(len(each)), *key[3:], f"{max(each):.2g}") for key, each in groups.items()]
    how = ("stack", "reg.") if techniques else ("steps", "batch")
    return ("mechanism", "params", "tokens", "runs", *how, "rate", "FLOPs each", "seconds each"), lines


def _techniques_words(job: Job) -> tuple[str, str]:
    stack = f"x{job.stacking.factor}" if job.stacking else "-"
    return stack, f"{job.regulariser.weight:g}" if job.regulariser else "-"


def _time(seconds: float) -> str:
    for size, word in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g} {word}"
    return f"{seconds:.2g} seconds"
