"""Requests of many callers become one batch; each gets its own samples, whole or as they were when it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from allometry.inference.calls import Abilities, CallFailed, Profile, Request, Response, Stopped, Usage
from allometry.inference.engines import Batcher


class Counting:
    """Writes the seed as many times as `max_tokens` says, one a step; keeps how many rows each step had."""

    def __init__(self, rows: int = 8, fails_at: int | None = None) -> None:
        self.rows, self.fails_at = rows, fails_at
        self.running: dict[int, tuple[Request, int]] = {}
        self.sizes: list[int] = []
        self.admitted: list[list[str]] = []

    def admit(self, jobs: Sequence[tuple[int, Request]]) -> None:
        assert len(self.running) + len(jobs) <= self.rows
        self.admitted.append([str(request.prompt) for _, request in jobs])
        self.running.update({number: (request, 0) for number, request in jobs})

    def step(self) -> list[tuple[int, Response]]:
        if self.fails_at is not None and len(self.sizes) >= self.fails_at:
            raise MemoryError("no room")
        self.sizes.append(len(self.running))
        self.running = {number: (request, done + 1) for number, (request, done) in self.running.items()}
        ended = [number for number, (request, done) in self.running.items() if done >= request.max_tokens]
        return [(number, self.drop(number, "stop")) for number in ended]

    def drop(self, job: int, finish: str = "cancelled") -> Response:
        request, done = self.running.pop(job)
        return Response(f"{request.seed} " * done, finish=finish, usage=Usage(1, 0, done))  # type: ignore[arg-type]


@contextmanager
def batcher(*decoders: Counting) -> Iterator[Batcher]:
    made = Batcher(decoders, Profile("counting", Abilities(n=True, seed=True)), lambda request: 1)
    yield made
    made.close()


def test_every_caller_gets_its_own_samples_and_they_share_steps() -> None:
    decoder = Counting(rows=16)

    async def callers(engine: Batcher) -> list[Sequence[Response]]:
        requests = [Request(f"p{i}", max_tokens=5 + i, n=2, seed=100 * i) for i in range(8)]
        return await asyncio.gather(*map(engine.sample, requests))

    with batcher(decoder) as engine:
        found = asyncio.run(callers(engine))
    for i, responses in enumerate(found):
        assert [one.content for one in responses] == [f"{100 * i + j} " * (5 + i) for j in range(2)]
        assert all(one.seconds is not None and one.seconds >= 0 for one in responses)
    assert max(decoder.sizes) > 2
    assert len(decoder.sizes) < sum(2 * (5 + i) for i in range(8)) / 2


def test_more_sequences_than_rows_wait_for_their_turn() -> None:
    decoder = Counting(rows=3)
    with batcher(decoder) as engine:
        found = asyncio.run(engine.sample(Request("p", max_tokens=2, n=10)))
    assert [one.content for one in found] == [f"{i} {i} " for i in range(10)]
    assert max(decoder.sizes) == 3


def test_requests_are_spread_over_decoders_and_never_torn() -> None:
    decoders = [Counting(), Counting()]

    async def callers(engine: Batcher) -> None:
        await asyncio.gather(*(engine.sample(Request(f"p{i}", max_tokens=50, n=4)) for i in range(4)))

    with batcher(*decoders) as engine:
        asyncio.run(callers(engine))
    prompts = [{prompt for batch in decoder.admitted for prompt in batch} for decoder in decoders]
    assert prompts[0].isdisjoint(prompts[1])
    assert [len(found) for found in prompts] == [2, 2]


@pytest.mark.parametrize("rows", [8, 1])
def test_a_stopped_call_says_what_its_samples_had_become(rows: int) -> None:
    decoder = Counting(rows=rows)

    async def stopped(engine: Batcher) -> Sequence[Response]:
        task = asyncio.create_task(engine.sample(Request("p", max_tokens=10**9, n=2)))
        while not decoder.sizes:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(Stopped) as stop:
            await task
        await engine.sample(Request("next", max_tokens=3))
        return stop.value.responses

    with batcher(decoder) as engine:
        found = asyncio.run(stopped(engine))
    assert [one.finish for one in found] == ["cancelled", "cancelled"]
    assert found[0].usage.generated > 0
    assert (found[1].usage.generated > 0) == (rows == 8)


def test_a_broken_decoder_fails_its_calls_and_later_ones() -> None:
    with batcher(Counting(fails_at=2)) as engine:
        for _ in range(2):
            with pytest.raises(CallFailed, match="the decoder failed: MemoryError: no room"):
                asyncio.run(engine.sample(Request("p", max_tokens=5, n=2)))
