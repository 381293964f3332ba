"""The calls of one episode that are on their way: recorded, simulated and live ones, in the order of the clock."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from allometry.inference.calls.budget import Exhausted, Halted, Ledger
from allometry.inference.calls.call import Call, Leg, runs
from allometry.inference.calls.clock import Clock
from allometry.inference.calls.engine import CallFailed, Engine, Profile, Stopped
from allometry.inference.calls.keys import key_text, seed_of
from allometry.inference.calls.meter import Meter, meter_call
from allometry.inference.calls.recorder import Given, Recorder
from allometry.inference.calls.request import Request, Response, Usage
from allometry.inference.calls.threads import Join, Sampling, Thread
from allometry.inference.records import mask

# How long an engine may take to say what a stopped call had become; then the worst is counted.
GRACE = 5.0


class Traffic:
    """Makes calls, takes answers in and gives each to the thread that waits for it, by `give`.

    Recorded and simulated answers have an end on the clock that is known beforehand; live ones end when they do. A
    recorded answer of this very episode is history: nothing live can come before it.
    """

    def __init__(
        self, record: Recorder, ledger: Ledger, paid: Ledger, clock: Clock, give: Callable[[Call], None]
    ) -> None:
        self.record, self.ledger, self.paid, self.clock, self._give = record, ledger, paid, clock, give
        self._due: list[tuple[float, int, Call]] = []
        self._pending: dict[Call, None] = {}
        self._live: dict[asyncio.Task[Sequence[Response]], Leg] = {}
        self._arrived: list[asyncio.Task[Sequence[Response]]] = []
        self._wake = asyncio.Event()
        self._count = 0
        self._patience = math.inf
        self.first_token: float | None = None

    # ---- making calls

    def issue(self, thread: Thread, wanted: Sampling) -> None:
        """Make a call, as far as its answers are not in the records.

        Errors: `Exhausted` where the budget may not hold it, `Halted` where what is left for the whole sweep may not,
        `CallFailed` where the engine has no more samples.
        """
        thread.call = call = self._call(thread, wanted)
        self._pending[call] = None
        missing = [i for i in range(call.request.n) if not self._recall(call, i)]
        for offset, count in runs(missing, call.engine.profile.abilities.n):
            self._ask(call, offset, count)
        self._go_on(call)

    def _call(self, thread: Thread, wanted: Sampling) -> Call:
        engine, request, place = wanted.engine, wanted.request, wanted.place
        family = self.record.family(place, engine.profile.identity, request)
        most = engine.profile.most_samples
        if most is not None and place.drawn(family.key) + request.n > most(request):
            message = f"{engine.profile.identity} has {most(request)} samples of this prompt, and more were asked for"
            raise CallFailed(message, paid=False)
        worst = _worst(engine, request, wanted.tool)
        reserved = self.ledger.reserve(worst)
        first = place.draw(family.key, request.n)
        return Call(thread, engine, request, family, first, self.clock.now, worst, reserved, wanted.tool)

    def _recall(self, call: Call, sample: int) -> bool:
        """Whether the records hold the answer."""
        found = self.record.find(call.family, call.first + sample)
        # what a tool returned may hang on all that was done before, which is the same in the same episode only
        if found is None or (call.tool and not found.history):
            return False
        call.history |= found.history
        if found.response.finish == "cancelled":
            call.held[sample] = found.response, found.ended
        elif found.history:
            call.place(sample, found.response, found.ended)
        else:
            call.place(sample, found.response, call.issued + (found.response.seconds or 0.0))
            call.timed.add(sample)
        return True

    def _ask(self, call: Call, offset: int, count: int) -> None:
        seed = seed_of(call.family.key, call.first + offset)
        request = replace(call.request, n=count, seed=seed)
        worst = call.worst if count == call.request.n else _worst(call.engine, request, call.tool)
        call.asked.append((offset, count, self._pay(worst)))
        if call.engine.profile.virtual:
            self._ask_virtual(call, offset, request)
            return
        started = self.clock.elapsed()
        self.record.sent(call.family, request, call.first + offset, started)
        task = asyncio.get_running_loop().create_task(_asking(call.engine, request))
        self._live[task] = Leg(call, offset, count, started)
        call.outstanding += 1
        task.add_done_callback(self._arrive)

    def _pay(self, worst: Meter) -> int:
        try:
            return self.paid.reserve(worst)
        except Exhausted as exhausted:
            raise Halted(str(exhausted)) from None

    def _ask_virtual(self, call: Call, offset: int, request: Request) -> None:
        """Take the answers of an engine that does not wait, and the seconds that it says they take."""
        try:
            responses = _checked(_run_now(call.engine.sample(request)), request.n)
        except CallFailed as failed:
            call.fail(failed, call.issued)
            self.record.failed(call.family, call.first + offset, call.issued, failed)
            return
        for i, response in enumerate(responses, offset):
            call.place(i, self._keyed(call, i, response), call.issued + (response.seconds or 0.0))
            call.timed.add(i)
            call.fresh.append(i)

    @staticmethod
    def _keyed(call: Call, sample: int, response: Response) -> Response:
        return replace(response, key=key_text(call.family.key + call.first + sample))

    # ---- what comes

    async def next(self) -> None:
        """Wait for the next thing that happens, and let it happen: an answer, the end of the time, a stop."""
        end = self._next_end()
        limit = self.ledger.deadline
        if end <= limit and end < math.inf and (not self._live or end <= self.clock.elapsed() or self._replaying()):
            self._deliver(heapq.heappop(self._due)[2])
        elif self._live and self.clock.elapsed() < limit:
            await self._wait(min(end, limit))
        elif limit < math.inf:
            self._expire()
        elif not self._ask_held():
            raise RuntimeError("all threads of a strategy wait, and nothing can come")

    async def finish(self) -> None:
        """Stop what is still on its way, and take in what became of it."""
        for call in list(self._pending):
            self.stop(call, None)
        while self._live:
            await self._wait(math.inf)
        while self._next_end() < math.inf:
            self._deliver(heapq.heappop(self._due)[2])

    def _next_end(self) -> float:
        while self._due and (self._due[0][2].done or self._due[0][0] != self._due[0][2].due_at):
            heapq.heappop(self._due)  # it was stopped since, and is due at another time
        return self._due[0][0] if self._due else math.inf

    def _replaying(self) -> bool:
        return any(call.history and not call.done for _, _, call in self._due)

    async def _wait(self, until: float) -> None:
        """Wait for a live call to end, up to a time on the clock."""
        seconds = min(until - self.clock.elapsed(), self._patience)
        try:
            async with asyncio.timeout(None if seconds == math.inf else max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            if seconds == self._patience:
                self._give_up()
        self._wake.clear()
        while self._arrived:
            self._take_in(self._arrived.pop(0))

    def _arrive(self, task: asyncio.Task[Sequence[Response]]) -> None:
        if not task.cancelled():
            task.exception()  # seen, even where a fault of another call keeps it from being taken in
        self._arrived.append(task)
        self._wake.set()

    def _take_in(self, task: asyncio.Task[Sequence[Response]]) -> None:
        """What came of a live leg: written at once, then placed."""
        leg = self._live.pop(task, None)
        if leg is None:
            return
        call, now = leg.call, self.clock.elapsed()
        call.outstanding -= 1
        try:
            self._place_leg(leg, _outcome(task, leg), now)
        except CallFailed as failed:
            call.fail(failed, now)
            self.record.failed(call.family, call.first + leg.offset, leg.started, failed)
        self._go_on(call)

    def _place_leg(self, leg: Leg, found: Sequence[Response], now: float) -> None:
        call = leg.call
        timed = [self._keyed(call, i, _timed(r, now - leg.started)) for i, r in enumerate(found, leg.offset)]
        given = [Given(response, leg.started, now) for response in timed]
        self.record.received(call.kind, call.family, call.request, call.first + leg.offset, given)
        for i, response in enumerate(timed, leg.offset):
            call.place(i, response, now)

    def _go_on(self, call: Call) -> None:
        """Where everything of a call has come, put it where it will be delivered."""
        if call.done or not call.complete:
            return
        if call.stopping:
            call.stop_at(call.stopped_at)
        self._count += 1
        call.due_at = call.end
        heapq.heappush(self._due, (call.due_at, self._count, call))

    def _deliver(self, call: Call) -> None:
        self.clock.advance(call.end)
        self._settle(call)
        self._give(call)

    def _settle(self, call: Call) -> None:
        """Write what is not written yet, and book what the call took."""
        call.done = True
        del self._pending[call]
        self.first_token = min((t for t in (self.first_token, call.first_token) if t is not None), default=None)
        for offset, count in runs(call.fresh, True):
            given = [Given(a, call.issued, call.ends[i]) for i, a in _of(call.answers, offset, count)]
            self.record.received(call.kind, call.family, call.request, call.first + offset, given)
        used = call.used()
        self.ledger.settle(call.reserved, used)
        for offset, count, reserved in call.asked:
            whole = count == call.request.n and call.failure is None
            self.paid.settle(reserved, used if whole else call.used_by(offset, count))

    # ---- what is ended before its time

    def stop(self, call: Call, join: Join | None) -> None:
        """End a call; a join waits for what it had become, or where there is none the thread that made it."""
        if call.done or call.stopping:
            return
        call.stopping, call.stopped_for, call.stopped_at = True, join, self.clock.now
        if join is not None:
            join.stops += 1
        if call.outstanding:
            self._patience = GRACE
        for task, leg in self._live.items():
            if leg.call is call:
                task.cancel()
        self._go_on(call)

    def _expire(self) -> None:
        """The time is over: no call starts, and what is on its way is given back as it is."""
        self.clock.advance(self.ledger.deadline)
        self.ledger.closed = True
        for call in list(self._pending):
            self.stop(call, None)

    def _give_up(self) -> None:
        """Wait no longer for engines that do not say what became of a stopped call."""
        self._patience = math.inf
        for task, leg in list(self._live.items()):
            if leg.call.stopping:
                del self._live[task]
                leg.call.outstanding -= 1
                self._place_leg(leg, [leg.call.unknown()] * leg.count, self.clock.elapsed())
                self._go_on(leg.call)

    def _ask_held(self) -> bool:
        """Ask again for samples whose recorded stop did not come again; whether there were any."""
        held = [call for call in self._pending if call.held]
        for call in held:
            samples = sorted(call.held)
            call.held.clear()
            for offset, count in runs(samples, call.engine.profile.abilities.n):
                self._ask(call, offset, count)
            self._go_on(call)
        return bool(held)


def worst_case(profile: Profile, request: Request, prompt: int) -> Meter:
    """The most that a request may take."""
    return meter_call(profile, [Usage(prompt, 0, request.max_tokens)] * request.n)


def _worst(engine: Engine, request: Request, tool: bool) -> Meter:
    return Meter() if tool else worst_case(engine.profile, request, engine.most_prompt_tokens(request))


def _timed(response: Response, whole: float) -> Response:
    """With the seconds that the engine says, or else those of the whole leg."""
    return replace(response, seconds=whole if response.seconds is None else min(response.seconds, whole))


def _of(answers: Sequence[Response | None], first: int, count: int) -> list[tuple[int, Response]]:
    return [(i, answer) for i, answer in enumerate(answers[first : first + count], first) if answer is not None]


def _checked(responses: Sequence[Response], count: int) -> Sequence[Response]:
    if len(responses) != count:
        raise CallFailed(f"{len(responses)} samples came where {count} were asked for")
    return responses


def _outcome(task: asyncio.Task[Sequence[Response]], leg: Leg) -> Sequence[Response]:
    """What a live leg gave, or what it had become when it was stopped; any other end is a failed call."""
    secrets = leg.call.engine.profile.secrets
    if task.cancelled() and leg.call.stopping:
        return [leg.call.unknown()] * leg.count
    if task.cancelled():
        raise CallFailed("the engine gave the call up")
    error = task.exception()
    if error is None:
        return _checked(task.result(), leg.count)
    if isinstance(error, Stopped):
        return _checked([replace(r, finish="cancelled") for r in error.responses], leg.count)
    if isinstance(error, CallFailed):
        raise CallFailed(mask(error.reason, secrets), paid=error.paid) from None
    raise CallFailed(mask(f"{type(error).__name__}: {error}", secrets)) from None


async def _asking(engine: Engine, request: Request) -> Sequence[Response]:
    return await engine.sample(request)


def _run_now(asking: Any) -> Sequence[Response]:
    """The result of a coroutine that never waits."""
    steps = asking.__await__()
    try:
        next(steps)
    except StopIteration as stop:
        found: Sequence[Response] = stop.value
        return found
    raise RuntimeError("an engine that calls itself virtual waited for something")
