"""Timing an engine: what is asked of it, what is made of its answers, and what cannot be timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from allometry.costs import Execution, Hardware, Shape, find_hardware, find_shape
from allometry.inference.calls import Abilities, Profile, Request, Response, Usage
from allometry.inference.probing import Grid, time_engine
from allometry.notices import Refused
from allometry.timings import Measurement, calibrate

SHAPE, DEVICE = find_shape("qwen3-0.6b"), find_hardware("h100")
GRID = Grid(batches=(1, 8), prompts=(64, 1024), generated=(1, 32))


@dataclass
class Served:
    """An engine of known times: a batch lasts as long as the roofline of its device says, times `slow`.

    Requests that were sent at once are told by their number, which the test sets.
    """

    shape: Shape | None = SHAPE
    slow: float = 1.4
    reports: bool = True
    virtual: bool = True
    ends_early: bool = False
    asked: list[Request] = field(default_factory=list)
    batch: list[int] = field(default_factory=lambda: [1] + [cell[0] for cell in GRID])

    @property
    def profile(self) -> Profile:
        return Profile("served", Abilities(usage=self.reports), self.shape, virtual=self.virtual)

    async def sample(self, request: Request) -> Sequence[Response]:
        self.asked.append(request)
        prompt = len(str(request.prompt).split())
        made = max(1, request.max_tokens // 2) if self.ends_early else request.max_tokens
        row = sum(1 for i in range(len(self.batch)) if sum(self.batch[: i + 1]) < len(self.asked))
        seconds = self._seconds(self.batch[row], prompt, made)
        usage = Usage(prompt=prompt, generated=made, estimated=frozenset() if self.reports else frozenset({"prompt"}))
        return [Response(content="", finish="length", usage=usage, seconds=seconds)]

    def _seconds(self, batch: int, prompt: int, made: int) -> float:
        row = Measurement(shape=SHAPE, batch=batch, prompt=prompt, generated=made, seconds=1.0)
        return self.slow * (row.predicted(DEVICE, Execution()).value or 0.0)

    def most_prompt_tokens(self, request: Request) -> int:
        return len(str(request.prompt).split())


@dataclass
class Narrow(Served):
    """An engine that takes short prompts only."""

    async def sample(self, request: Request) -> Sequence[Response]:
        if self.most_prompt_tokens(request) > 20:
            raise Refused("prompt-too-long", "21 tokens do not fit into 20", "the prompt", "shorten it")
        return await super().sample(request)


def predicted(row: Measurement, device: Hardware) -> float:
    return row.predicted(device, Execution()).value or 0.0


def test_times_of_an_engine_calibrate_its_device() -> None:
    engine = Served()
    rows = time_engine(engine, grid=GRID)
    assert [(row.batch, row.generated) for row in rows] == [(cell[0], cell[2]) for cell in GRID]
    assert {row.phase for row in rows if row.generated == 1} == {"prefill"}
    for row in rows:
        assert row.seconds == pytest.approx(1.4 * predicted(row, DEVICE))
    found = calibrate(rows, DEVICE, bootstrap=5)
    assert predicted(rows[-1], found.hardware) == pytest.approx(rows[-1].seconds, rel=0.1)


def test_no_prompt_is_the_start_of_another_and_one_goes_first_to_warm_up() -> None:
    engine = Served()
    time_engine(engine, grid=GRID)
    starts = [str(request.prompt).split()[0] for request in engine.asked]
    assert len(set(starts)) == len(starts) == 1 + sum(cell[0] for cell in GRID)
    assert engine.asked[0].max_tokens == 1


def test_tokens_that_were_made_count_not_those_that_were_asked() -> None:
    rows = time_engine(Served(ends_early=True), grid=GRID)
    assert {row.generated for row in rows} == {1, 16}


def test_a_live_engine_is_timed_by_the_clock() -> None:
    rows = time_engine(Served(virtual=False), grid=Grid(batches=(1,), prompts=(8,), generated=(2,)))
    assert 0 < rows[0].seconds < 60


def test_what_cannot_be_timed_is_refused() -> None:
    with pytest.raises(Refused, match="report how many tokens"):
        time_engine(Served(reports=False), grid=GRID)
    with pytest.raises(Refused, match="give one"):
        time_engine(replace(Served(), shape=None), grid=GRID)
    with pytest.raises(Refused, match=r"a prompt of 64 words .* do not fit .*the grid.*prompt=8"):
        time_engine(Narrow(), grid=GRID)
    with pytest.raises(Refused, match="whole numbers from 1"):
        Grid(batches=())
    with pytest.raises(Refused, match="whole numbers from 1"):
        Grid(prompts=(0,))
