"""Runs the threads of one episode and gives them their answers, one at a time, in the order of the clock.

The coroutines of a strategy are stepped here, not by the event loop: until all of them wait, no answer is given. So
what a strategy sees depends on the answers and their times alone; recorded answers come back at their recorded times,
and a strategy that is run again on its record does the same again. That is why a record is all the state there is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

from allometry.inference.calls.budget import Exhausted, Ledger
from allometry.inference.calls.call import Call
from allometry.inference.calls.clock import Clock
from allometry.inference.calls.engine import CallFailed
from allometry.inference.calls.recorder import Recorder
from allometry.inference.calls.threads import Join, Sampling, Thread
from allometry.inference.calls.traffic import Traffic
from allometry.notices import Refused

Result = TypeVar("Result")


class Driver:
    """The threads of one episode, with their clock, budget and records; `paid` is the ledger of the whole sweep.

    `critical_path_tokens` are those of the longest chain of calls that led to its end.
    """

    def __init__(self, record: Recorder, ledger: Ledger, paid: Ledger, clock: Clock | None = None) -> None:
        self.record, self.ledger, self.clock = record, ledger, clock or Clock()
        self._traffic = Traffic(record, ledger, paid, self.clock, self._give)
        self._ready: deque[tuple[Thread, Any, BaseException | None]] = deque()
        self._current: Thread | None = None
        self.critical_path_tokens = 0

    @property
    def first_token(self) -> float | None:
        """When the first token of any model was there, as far as engines say."""
        return self._traffic.first_token

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of the root coroutine.

        Errors: whatever it raises; `Refused` when it waits for something that is not its engine's, `Halted` when the
        sweep may pay for no further call.
        """
        root = self._begin(work, 0)
        try:
            while not root.done:
                if self._ready:
                    self._step(*self._ready.popleft())
                else:
                    await self._traffic.next()
        finally:
            self.critical_path_tokens = root.tokens
            self._abandon(root)
            await self._traffic.finish()
        if root.error is not None:
            raise root.error
        result: Result = root.result
        return result

    def spawn(self, work: Coroutine[Any, Any, Any]) -> Thread:
        """Begin a child of the thread that is running."""
        parent = self._current
        if parent is None:
            work.close()
            raise RuntimeError("only a strategy that is running can begin a thread")
        child = self._begin(work, parent.tokens)
        parent.children.append(child)
        return child

    def _begin(self, work: Coroutine[Any, Any, Any], tokens: int) -> Thread:
        thread = Thread(work, tokens)
        self._ready.append((thread, None, None))
        return thread

    def _step(self, thread: Thread, value: Any, error: BaseException | None) -> None:
        """Let a thread run to its next wait."""
        if thread.done:
            return
        self._current, thread.call = thread, None
        try:
            waits = thread.work.send(value) if error is None else thread.work.throw(error)
            while not isinstance(waits, Join | Sampling):
                waits = thread.work.throw(_foreign(waits))
        except StopIteration as stop:
            self._end(thread, stop.value, None)
        except Exception as raised:
            self._end(thread, None, raised)
        else:
            self._begin_wait(thread, waits)
        finally:
            self._current = None

    def _begin_wait(self, thread: Thread, waits: Join | Sampling) -> None:
        if isinstance(waits, Join):
            waits.waiter, waits.finished = thread, [child for child in waits.threads if child.done]
            for child in waits.threads:
                child.watchers.append(waits)
            self._check(waits)
            return
        try:
            self._traffic.issue(thread, waits)
        except (Exhausted, CallFailed, Refused) as refused:
            self._ready.append((thread, None, refused))

    def _end(self, thread: Thread, result: Any, error: BaseException | None) -> None:
        thread.done, thread.result, thread.error = True, result, error
        for join in thread.watchers:
            if not join.closing:
                join.finished.append(thread)
                self._check(join)

    def _check(self, join: Join) -> None:
        """Let the waiter of a join go on where enough of its threads have ended and the others are stopped."""
        if join.met and not join.closing:
            join.closing = True
            join.stops = 1  # until all are asked to stop
            for thread in join.threads:
                if thread not in join.finished:
                    self._stop(thread, join)
            self._stopped_one(join)

    def _stopped_one(self, join: Join) -> None:
        join.stops -= 1
        if not join.stops and join.waiter is not None:
            join.waiter.tokens = max([join.waiter.tokens, *(thread.tokens for thread in join.finished)])
            self._ready.append((join.waiter, None, join.failed))

    def _stop(self, thread: Thread, join: Join | None) -> None:
        """End a thread and its children; their calls are stopped, for the join to wait for."""
        for child in thread.children:
            self._stop(child, join)
        if not thread.done:
            thread.done = True
            thread.work.close()
            if thread.call is not None:
                self._traffic.stop(thread.call, join)

    def _abandon(self, root: Thread) -> None:
        """End whatever still runs when the root has ended, or was itself ended from outside."""
        self._stop(root, None)
        for child in root.children:
            self._stop(child, None)

    def _give(self, call: Call) -> None:
        """An answer for the thread that made the call, or the news that a stopped call has ended."""
        if call.stopped_for is not None:
            self._stopped_one(call.stopped_for)
            return
        call.thread.tokens += call.sequential_tokens()
        self._ready.append((call.thread, list(call.answers), call.failure))


def _foreign(waits: object) -> Refused:
    kind = type(waits).__name__
    return Refused("foreign-wait", f"a strategy waited for a {kind}, which is not its engine's", "the strategy",
                   "call engine.sample, engine.grade, engine.tool, engine.map or engine.first")  # fmt: skip
