"""This machine: processes of one thread each, spread over the GPUs where there are some."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any

from allometry.lab.executors.protocol import RETRIES, Advanced, Ended, Event, Failed, Work
from allometry.lab.jobs import Job

_LOOK = 0.3  # seconds between two looks at how far the runs are
_WAITING = -1


class Local:
    """Runs in `workers` processes; by default one for each GPU, or for each core where there is none."""

    def __init__(self, workers: int | None = None) -> None:
        self.devices = _devices()
        self.workers = workers or (len(self.devices) if self.devices != ["cpu"] else os.cpu_count() or 1)

    def run(self, work: Work) -> Iterator[Event]:
        left, lost = list(work.jobs), Counter[str]()
        while left:
            begun = yield from self._pool(work, left)
            for job in begun:
                lost[job.run_id] += 1
                if lost[job.run_id] > RETRIES:
                    yield Failed(job, f"its process was lost {lost[job.run_id]} times")
                    left.remove(job)

    def _pool(self, work: Work, left: list[Job]) -> Generator[Event, None, list[Job]]:
        """Run what is left, taking out of it what comes to an end; gives the jobs that a lost process was at."""
        jobs, context = list(left), multiprocessing.get_context("spawn")
        # One number a job, written by one process and read by us: no lock, so a killed process can hold none.
        steps: Any = context.Array("q", [_WAITING] * len(jobs), lock=False)
        with ProcessPoolExecutor(min(self.workers, len(jobs)), context, _begin, (steps,)) as pool:
            futures = {
                pool.submit(_run, number, job, work, self.devices[number % len(self.devices)]): job
                for number, job in enumerate(jobs)
            }
            try:
                yield from _events(futures, jobs, steps, left)
            except BrokenProcessPool:
                return [job for number, job in enumerate(jobs) if job in left and steps[number] != _WAITING]
            except BaseException:
                processes = list(pool._processes.values())
                pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()
                raise
        return []


def _events(futures: dict[Future[Any], Job], jobs: Sequence[Job], steps: Any, left: list[Job]) -> Iterator[Event]:
    seen = [0] * len(jobs)
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
        for number, job in enumerate(jobs):
            if steps[number] > seen[number]:
                seen[number] = steps[number]
                yield Advanced(job, seen[number])
        for future in done:
            event = _event(futures[future], future)
            left.remove(event.job)
            yield event


def _event(job: Job, future: Future[Any]) -> Ended | Failed:
    try:
        return Ended(job, future.result())
    except BrokenProcessPool:
        raise
    except Exception as error:  # whatever a run dies of, the others go on
        return Failed(job, f"{type(error).__name__}: {error}")


_steps: Any = None


def _begin(steps: Any) -> None:
    """In each process: where to tell steps, and an end with the process that asked, however that ended."""
    global _steps
    _steps = steps
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _run(number: int, job: Job, work: Work, device: str) -> list[dict[str, Any]]:
    from allometry.lab.running import Place, run_job

    def tick(step: int) -> None:
        _steps[number] = step

    tick(0)
    return run_job(job, Place(work.checkpoint(job), work.every, device), tick)


def _devices() -> list[str]:
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]
