"""Concurrent requests of many problems as one batch, into which sequences come and from which they go at any step."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from allometry.inference.calls import CallFailed, Profile, Request, Response, Stopped


class Decoder(Protocol):
    """Generates several sequences at a time, a few tokens a step: what to write to bring a local model in.

    It is used from one thread only. `rows` sequences fit at once. Requests that are admitted together and share a
    prompt are samples of one request: their prompt needs computing once.
    """

    @property
    def rows(self) -> int: ...

    def admit(self, jobs: Sequence[tuple[int, Request]]) -> None:
        """Begin sequences, numbered, each of one sample with its own seed; no more than there are free rows."""
        ...

    def step(self) -> Sequence[tuple[int, Response]]:
        """Go on with all sequences; those that ended leave their rows."""
        ...

    def drop(self, job: int) -> Response:
        """End a sequence where it is."""
        ...


@dataclass(eq=False)
class _Job:
    """One sequence on its way."""

    request: Request
    future: asyncio.Future[Response]
    begun: float
    dropped: bool = False
    first_token: float | None = None


class Batcher:
    """An engine made of decoders, each in a thread of its own; give one for each core, or for each device.

    Use it for models that are run in this process or in workers of its own: servers batch by themselves. All samples
    of a request go to one decoder.
    """

    def __init__(
        self, decoders: Sequence[Decoder], profile: Profile, most_prompt_tokens: Callable[[Request], int]
    ) -> None:
        self.profile, self.most_prompt_tokens = profile, most_prompt_tokens
        self._workers = [_Worker(decoder) for decoder in decoders]

    async def sample(self, request: Request) -> Sequence[Response]:
        loop, now = asyncio.get_running_loop(), time.monotonic()
        jobs = [_Job(replace(request, n=1, seed=request.seed + i), loop.create_future(), now) for i in range(request.n)]
        worker = min(self._workers, key=lambda worker: worker.load)
        worker.submit(jobs)
        futures = [job.future for job in jobs]
        try:
            return await asyncio.gather(*map(asyncio.shield, futures))
        except asyncio.CancelledError:
            worker.drop(jobs)
            raise Stopped(await asyncio.gather(*futures)) from None

    async def ready(self) -> None:
        """Wait until decoders could begin: a sweep does so before it measures times. Here there is nothing to wait for."""

    def close(self) -> None:
        """Let the threads end."""
        for worker in self._workers:
            worker.close()


@dataclass(eq=False)
class _Worker:
    """A decoder with its thread: admits what waits, steps, hands over what ended."""

    decoder: Decoder
    load: int = 0
    _waiting: list[_Job] = field(default_factory=list)
    _dropping: list[_Job] = field(default_factory=list)
    _running: dict[int, _Job] = field(default_factory=dict)
    _new: list[_Job] = field(default_factory=list)
    _count: int = 0
    _open: bool = True
    _broken: str = ""

    def __post_init__(self) -> None:
        self._news = threading.Condition()
        threading.Thread(target=self._work, name="decoder", daemon=True).start()

    def submit(self, jobs: Sequence[_Job]) -> None:
        with self._news:
            if self._broken:
                raise CallFailed(self._broken, paid=False)
            self.load += len(jobs)
            self._waiting += jobs
            self._news.notify()

    def drop(self, jobs: Sequence[_Job]) -> None:
        with self._news:
            self._dropping += jobs
            self._news.notify()

    def close(self) -> None:
        with self._news:
            self._open = False
            self._news.notify()

    def _work(self) -> None:
        try:
            while self._take():
                if self._running:
                    ended = self.decoder.step()
                    self._note_first_tokens()
                    for number, response in ended:
                        self._end(self._running.pop(number), response)
        except Exception as error:
            self._break(f"the decoder failed: {type(error).__name__}: {error}")

    def _note_first_tokens(self) -> None:
        """Those that were admitted before a step have their first token after it."""
        for job in self._new:
            job.first_token = time.monotonic() - job.begun
        self._new.clear()

    def _take(self) -> bool:
        """Wait for news where nothing runs; admit what fits and end what was dropped. False when closed."""
        with self._news:
            while self._open and not (self._waiting or self._dropping or self._running):
                self._news.wait()
            dropping, self._dropping = self._dropping, []
            for job in dropping:
                job.dropped = True
            unstarted = [job for job in self._waiting if job.dropped]
            waiting = [job for job in self._waiting if not job.dropped]
            room = self.decoder.rows - len(self._running)
            admitted, self._waiting = waiting[:room], waiting[room:]
        for job in unstarted:
            self._end(job, Response(finish="cancelled"))
        for number, job in [(number, job) for number, job in self._running.items() if job.dropped]:
            del self._running[number]
            self._end(job, self.decoder.drop(number))
        self._admit(admitted)
        return self._open

    def _admit(self, jobs: Sequence[_Job]) -> None:
        if not jobs:
            return
        numbered = list(enumerate(jobs, self._count))
        self._count += len(jobs)
        self._running.update(numbered)
        self._new += jobs
        self.decoder.admit([(number, job.request) for number, job in numbered])

    def _end(self, job: _Job, response: Response) -> None:
        with self._news:
            self.load -= 1
        seconds = time.monotonic() - job.begun if response.seconds is None else response.seconds
        first = job.first_token if response.first_token is None else response.first_token
        self._tell(job, replace(response, seconds=seconds, first_token=first))

    def _break(self, why: str) -> None:
        with self._news:
            self._broken, lost = why, [*self._waiting, *self._running.values()]
            self._waiting, self.load = [], 0
        for job in lost:
            self._tell(job, CallFailed(why, paid=False))

    @staticmethod
    def _tell(job: _Job, end: Response | CallFailed) -> None:
        def settle() -> None:
            if job.future.done():
                return
            if isinstance(end, CallFailed):
                job.future.set_exception(end)
            else:
                job.future.set_result(end)

        loop = job.future.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)
