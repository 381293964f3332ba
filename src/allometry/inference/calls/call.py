"""One request on its way: what of it was recorded, what is being asked, what has come."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from allometry.inference.calls.engine import CallFailed, Engine
from allometry.inference.calls.meter import Meter, meter_call
from allometry.inference.calls.recorder import Family
from allometry.inference.calls.request import Request, Response, Usage

if TYPE_CHECKING:
    from allometry.inference.calls.threads import Join, Thread


@dataclass(eq=False)
class Call:
    """A request of a thread, from the moment it was issued until all of its samples are there or it was stopped.

    `answers` and `ends` (seconds on the clock) are by sample. `timed` are samples whose end is known before it comes:
    those of virtual engines (also in `fresh`: written on delivery) and those used again from another episode. `held`
    are samples that a recorded stop cut off, which wait for that stop to come again. `asked` are runs of samples that
    were really asked for (first, length, what was set aside for them of the whole sweep's limit).
    """

    thread: Thread
    engine: Engine
    request: Request
    family: Family
    first: int
    issued: float
    worst: Meter
    reserved: int
    tool: bool = False
    answers: list[Response | None] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    timed: set[int] = field(default_factory=set)
    fresh: list[int] = field(default_factory=list)
    asked: list[tuple[int, int, int]] = field(default_factory=list)
    held: dict[int, tuple[Response, float]] = field(default_factory=dict)
    outstanding: int = 0
    history: bool = False
    failure: CallFailed | None = None
    failed_at: float = 0.0
    stopping: bool = False
    stopped_for: Join | None = None
    stopped_at: float = 0.0
    due_at: float = 0.0
    done: bool = False

    def __post_init__(self) -> None:
        self.answers = [None] * self.request.n
        self.ends = [self.issued] * self.request.n

    @property
    def kind(self) -> str:
        return "effect" if self.tool else "sample"

    @property
    def end(self) -> float:
        """When the last sample was there, or when it was known that they will not all be."""
        return max(self.ends) if self.failure is None else self.failed_at

    def fail(self, failure: CallFailed, now: float) -> None:
        """Take in that some samples will not come."""
        self.failure, self.failed_at = failure, max(self.failed_at, now)

    @property
    def first_token(self) -> float | None:
        """When the first token of any sample was there."""
        waits = [
            end - (answer.seconds or 0.0) + answer.first_token
            for answer, end in zip(self.answers, self.ends, strict=True)
            if answer is not None and answer.first_token is not None and answer.usage.generated
        ]
        return min(waits, default=None)

    @property
    def complete(self) -> bool:
        """Whether nothing more will come."""
        return not self.outstanding and (self.stopping or self.failure is not None or not self.held)

    def place(self, sample: int, response: Response, end: float) -> None:
        """Take in one answer."""
        self.answers[sample], self.ends[sample] = response, end

    def stop_at(self, now: float) -> None:
        """What every sample had become when the call was stopped: as recorded, as the engine said, or cut."""
        for i, answer in enumerate(self.answers):
            if i in self.held:
                self.place(i, *self.held[i])
            elif answer is None:
                self.place(i, self.unknown(), now)
            elif i in self.timed and self.ends[i] > now:
                self.place(i, cut(answer, now - self.ends[i] + (answer.seconds or 0.0)), now)
        self.held.clear()

    def unknown(self) -> Response:
        """A sample that was stopped and of which nobody can say what it had become: at its worst."""
        return Response(finish="cancelled", usage=self._unknown())

    def used(self) -> Meter:
        """What it took. A call of which a part failed may have taken all that it could, whatever came of the rest."""
        if self.failure is not None:
            return self.worst if self.failure.paid else Meter()
        return self.used_by(0, self.request.n)

    def used_by(self, first: int, count: int) -> Meter:
        """What a run of its samples took; those that failed may have taken all that they could."""
        if self.tool:
            return Meter()
        lost = self.failure is None or self.failure.paid
        answers = self.answers[first : first + count]
        usages = [self._unknown() if a is None else a.usage for a in answers if a is not None or lost]
        return meter_call(self.engine.profile, usages) if usages else Meter()

    def sequential_tokens(self) -> int:
        """Tokens that whoever waited for it waited for; none where it failed."""
        if self.failure is not None:
            return 0
        return max((answer.usage.generated for answer in self.answers if answer is not None), default=0)

    def _unknown(self) -> Usage:
        prompt = self.engine.most_prompt_tokens(self.request)
        return Usage(prompt, 0, self.request.max_tokens, 0, frozenset({"prompt", "generated"}))


@dataclass(frozen=True, eq=False)
class Leg:
    """A run of samples of a call that is being asked of a live engine."""

    call: Call
    offset: int
    count: int
    started: float


def runs(samples: Sequence[int], together: bool) -> Iterator[tuple[int, int]]:
    """The first and the length of each run of neighbours; each alone where an engine takes no more than one.

    >>> list(runs([0, 1, 4], True)), list(runs([0, 1], False))
    ([(0, 2), (4, 1)], [(0, 1), (1, 1)])
    """
    start = 0
    for i in range(1, len(samples) + 1):
        if i == len(samples) or not together or samples[i] != samples[i - 1] + 1:
            yield samples[start], i - start
            start = i


def cut(response: Response, seconds: float) -> Response:
    """What an answer had become so many seconds after it was asked for, tokens coming evenly after the first.

    Its text by then is known only where its tokens are.
    """
    whole, wait = response.seconds or 0.0, response.first_token or 0.0
    share = 1.0 if whole <= wait else min(1.0, max(0.0, (seconds - wait) / (whole - wait)))
    # a quotient of times may fall short of a whole token by a rounding
    tokens = math.floor(response.usage.generated * share * (1 + 1e-12))
    return replace(_cut(response, tokens), finish="cancelled", seconds=max(0.0, seconds))


def cut_tokens(response: Response, tokens: int) -> Response:
    """What an answer is that may have so many tokens: itself, or cut off, without a text that nobody knows.

    >>> cut_tokens(Response("a b c", usage=Usage(generated=3)), 2).finish
    'length'
    """
    if response.usage.generated <= tokens:
        return response
    whole, wait = response.seconds, response.first_token or 0.0
    seconds = None if whole is None else wait + (whole - wait) * tokens / response.usage.generated
    return replace(_cut(response, tokens), finish="length", seconds=seconds)


def _cut(response: Response, tokens: int) -> Response:
    usage = replace(response.usage, generated=tokens, reasoning=min(tokens, response.usage.reasoning))
    known = response.tokens[:tokens]
    return replace(
        response, content="".join(known), reasoning="", tool_calls=(), tokens=known, logprobs=response.logprobs[:tokens],
        stopped_by=None, usage=usage,
    )  # fmt: skip
