"""Reading the items of a source into parts: in several processes where there is much to read, each item once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple, TypeAlias

from allometry.notices import Refused
from allometry.runs.imports.parts import load_part, part_path, save_part
from allometry.runs.sources import Item
from allometry.runs.sources.contract import Wanted, first_line
from allometry.runs.sources.files import digest

Tick: TypeAlias = Callable[[int], None]
# What is done and how many times; the value of the context is called with how many more times it was done.
Progress: TypeAlias = Callable[[str, int], AbstractContextManager[Tick]]

# Starting a process costs more than reading a few items.
_WORTH_PROCESSES = 8


def quiet(what: str, total: int) -> AbstractContextManager[Tick]:
    """No progress shown."""
    return nullcontext(lambda done: None)


class Failed(NamedTuple):
    """An item that could not be read, and why in one sentence."""

    item: str
    message: str


@dataclass(frozen=True)
class Collected:
    """The parts of a source by item, how many were read now and how many kept from before, and what failed."""

    parts: dict[str, Path]
    read: int
    kept: int
    failed: tuple[Failed, ...]


class _Task(NamedTuple):
    item: Item
    path: Path
    stamp: str


def collect(items: Sequence[Item], source: str, folder: Path, wanted: Wanted, jobs: int, tick: Tick) -> Collected:
    """Every item as a part in a folder; those whose part is of the same stamp are not read again.

    An item that cannot be read is told and the others are read; what was read stays when the work is stopped.
    """
    folder.mkdir(exist_ok=True)
    chosen = None if wanted is None else sorted(wanted)
    tasks = [_Task(item, part_path(folder, source, item.key), digest([item.stamp, chosen])) for item in items]
    todo = [task for task in tasks if load_part(task.path, task.stamp, series=False) is None]
    tick(len(tasks) - len(todo))
    failed = dict[str, Failed]()
    for task, why in _brought(todo, wanted, jobs):
        tick(1)
        if why is not None:
            failed[task.item.key] = Failed(task.item.key, why)
    parts = {task.item.key: task.path for task in tasks if task.item.key not in failed}
    return Collected(parts, len(todo) - len(failed), len(tasks) - len(todo), tuple(failed.values()))


def _brought(tasks: Sequence[_Task], wanted: Wanted, jobs: int) -> Iterator[tuple[_Task, str | None]]:
    if jobs < 2 or len(tasks) < _WORTH_PROCESSES:
        yield from ((task, _bring(task, wanted)) for task in tasks)
        return
    # Every command loads this module, and only this one starts processes.
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    # Not forked: a library that has begun threads does not survive that.
    with ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), _follow_parent) as pool:
        futures = {pool.submit(_bring, task, wanted): task for task in tasks}
        try:
            yield from ((futures[done], done.result()) for done in as_completed(futures))
        except BrokenProcessPool:
            message = "a process that read runs was ended from outside, for want of memory as a rule"
            raise Refused("reader-killed", message, mend="run it again with --jobs 1: what was read is kept") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _follow_parent() -> None:
    """In a reading process: leave an interrupt to the parent, and end when the parent does, however it ends."""
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_after, args=[parent_process()], daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _bring(task: _Task, wanted: Wanted) -> str | None:
    """Read one item and keep it; why that could not be done, where it could not."""
    try:
        save_part(task.path, task.item.read(wanted), task.stamp)
    except Refused as refused:
        return str(refused)
    except OSError as error:
        return f"it cannot be read or kept ({error.strerror or error})"
    except Exception as error:
        # Whatever a damaged file makes a library raise, the other runs are read.
        return f"it cannot be read ({type(error).__name__}: {first_line(error)})"
    return None
