"""This machine: processes of one thread each, spread over the GPUs where there are some, several runs at once on one."""

from __future__ import annotations

import math
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


# Assumed: runs at once on a GPU unless told, of models below so many parameters, in so much of its memory. On a CPU one,
# measured: stacked weights take as long there as one model after the other (benchmarks/lab_throughput.py).
AT_ONCE, SMALL, SHARE = 16, 1e7, 0.5


class Local:
    """Runs in `workers` processes; by default one for each GPU, or for each core where there is none.

    `at_once` runs that may join each other are trained by one process with stacked weights, no more than leave work for
    every process; of a group in which one fails, each is tried once more alone, from its checkpoint.
    """

    def __init__(self, workers: int | None = None, at_once: int | None = None) -> None:
        self.devices, self._at_once = _devices(), at_once
        self._alone: set[str] = set()
        self.workers = workers or (len(self.devices) if self.devices != ["cpu"] else os.cpu_count() or 1)

    def run(self, work: Work) -> Iterator[Event]:
        left, lost, self._alone = list(work.jobs), Counter[str](), set[str]()
        while left:
            begun = yield from self._pool(work, left)
            for job in begun:
                lost[job.run_id] += 1
                if lost[job.run_id] == RETRIES:
                    self._alone.add(job.run_id)  # the last time by itself: another of its group may be what kills it
                if lost[job.run_id] > RETRIES:
                    yield Failed(job, f"its process was lost {lost[job.run_id]} times")
                    left.remove(job)

    def _pool(self, work: Work, left: list[Job]) -> Generator[Event, None, list[Job]]:
        """Run what is left, taking out of it what comes to an end; gives the jobs that a lost process was at."""
        jobs, context = list(left), multiprocessing.get_context("spawn")
        groups = self._groups(jobs)
        # One number a job, written by one process and read by us: no lock, so a killed process can hold none.
        steps: Any = context.Array("q", [_WAITING] * len(jobs), lock=False)
        with ProcessPoolExecutor(min(self.workers, len(groups)), context, _begin, (steps,)) as pool:
            futures = {
                pool.submit(_run, numbers, [jobs[i] for i in numbers], work, self.devices[place % len(self.devices)]): [
                    jobs[i] for i in numbers
                ]
                for place, numbers in enumerate(groups)
            }
            try:
                yield from self._events(futures, jobs, steps, left)
            except BrokenProcessPool:
                return [job for number, job in enumerate(jobs) if job in left and steps[number] != _WAITING]
            except BaseException:
                processes = list(pool._processes.values())
                pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()
                raise
        return []

    def _events(
        self, futures: dict[Future[Any], list[Job]], jobs: Sequence[Job], steps: Any, left: list[Job]
    ) -> Iterator[Event]:
        seen = [0] * len(jobs)
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for number, job in enumerate(jobs):
                if steps[number] > seen[number]:
                    seen[number] = steps[number]
                    yield Advanced(job, seen[number])
            for future in done:
                told = _told(futures[future], future)
                if len(told) > 1 and isinstance(told[0], Failed):
                    # One of them did, nobody knows which: they stay left, and go on alone.
                    self._alone |= {event.job.run_id for event in told}
                    continue
                for event in told:
                    left.remove(event.job)
                    yield event

    def _groups(self, jobs: Sequence[Job]) -> list[list[int]]:
        """The numbers of the jobs that are trained together, in the order of the first of each."""
        from allometry.lab.running import may_join

        groups: list[list[int]] = []
        share = math.ceil(len(jobs) / self.workers)
        for number, job in enumerate(jobs):
            most = 1 if job.run_id in self._alone else min(share, self._most(job))
            room = (group for group in groups if len(group) < most and may_join(jobs[group[0]], job))
            found = next(room, None)
            if found is None:
                groups.append(found := [])
            found.append(number)
        return groups

    def _most(self, job: Job) -> int:
        """How many runs like this one to train at once."""
        if self._at_once is not None:
            return self._at_once
        if self.devices == ["cpu"] or job.shape.parameters().total > SMALL:
            return 1
        from allometry.lab.ladders.planning import job_memory

        return max(1, min(AT_ONCE, int(SHARE * _memory(self.devices[0]) / job_memory(job).total)))


def _told(jobs: Sequence[Job], future: Future[Any]) -> list[Ended | Failed]:
    try:
        return [Ended(job, rows) for job, rows in zip(jobs, future.result(), strict=True)]
    except BrokenProcessPool:
        raise
    except Exception as error:  # whatever runs die of, the others go on
        return [Failed(job, f"{type(error).__name__}: {error}") for job in jobs]


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


def _run(numbers: Sequence[int], jobs: Sequence[Job], work: Work, device: str) -> list[list[dict[str, Any]]]:
    from allometry.lab.running import Place, run_jobs

    def tick(place: int, step: int) -> None:
        _steps[numbers[place]] = step

    for place in range(len(jobs)):
        tick(place, 0)
    return run_jobs(jobs, [Place(work.checkpoint(job), work.every, device) for job in jobs], tick)


def _devices() -> list[str]:
    import torch

    return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu"]


def _memory(device: str) -> int:
    """Bytes of a GPU."""
    import torch

    return int(torch.cuda.mem_get_info(device)[1])
