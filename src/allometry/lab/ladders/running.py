"""Run what a ladder's folder does not hold yet, wherever an executor trains, and append rows as runs end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from allometry.lab.executors import Advanced, Ended, Executor, Failed, Work
from allometry.lab.ladders.declaration import Ladder
from allometry.lab.ladders.folder import Folder


@dataclass(frozen=True)
class Outcome:
    """What a call of `run_ladder` did: runs that it found finished, ended, and that failed with the reason."""

    table: Path
    kept: int
    ended: int
    failed: tuple[Failed, ...]


def run_ladder(
    ladder: Ladder,
    out: Path,
    executor: Executor,
    every: float = 30.0,
    tick: Callable[[float], None] = lambda flops: None,
) -> Outcome:
    """Train every run of a ladder that `out` does not hold; killed and called again, it goes on to the same losses.

    Arguments: `every` seconds a run writes a checkpoint; `tick` is told FLOPs as they are spent, those of finished runs
    at once. Rows are appended by this process alone, a run at a time; a run that fails is told and the others go on.
    Errors: `Refused` as `Folder.opened` does.
    """
    failed: list[Failed] = []
    ended = 0
    with Folder(out).opened(ladder) as folder:
        done = folder.finished()
        spent = {job.run_id: 0.0 for job in ladder.jobs}
        for job in ladder.jobs:
            if job.run_id in done:
                tick(job.flops)
        left = [job for job in ladder.jobs if job.run_id not in done]
        # The longest first: a long run begun last would keep one process busy alone.
        for event in executor.run(Work(left[::-1], folder.checkpoints, every)):
            job = event.job
            if isinstance(event, Failed):
                failed.append(event)
            elif isinstance(event, Ended):
                folder.append(job, event.rows)
                ended += 1
            now = job.flops_after(event.step if isinstance(event, Advanced) else job.steps)
            tick(now - spent[job.run_id])
            spent[job.run_id] = now
    return Outcome(folder.table, len(ladder.jobs) - len(left), ended, tuple(failed))
