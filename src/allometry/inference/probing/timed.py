"""Measured times of an engine: batches of equal requests, sent together, and how long until the last one ends."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from allometry.costs import Shape
from allometry.inference.calls import Engine, Request, Response, wait
from allometry.notices import Refused
from allometry.timings import Measurement

# Short common words are about a token each; the engine says how many tokens they were.
WORDS = ("time", "year", "way", "day", "man", "world", "life", "hand", "part", "place", "case", "week", "work", "fact")


@dataclass(frozen=True)
class Grid:
    """Which requests are timed: every batch with every prompt length and every length of the answer.

    Answers of one token time the prompt's pass alone; several batches tell weights from caches and products.
    """

    batches: tuple[int, ...] = (1, 4, 16, 64)
    prompts: tuple[int, ...] = (64, 512, 2048)
    generated: tuple[int, ...] = (1, 64)

    def __post_init__(self) -> None:
        for name in ("batches", "prompts", "generated"):
            values = getattr(self, name)
            if not values or any(value < 1 for value in values):
                raise Refused("bad-grid", f"{name} must be whole numbers from 1, not {values}", "the grid", "give some")

    def __len__(self) -> int:
        return len(self.batches) * len(self.prompts) * len(self.generated)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """The cheapest first, so that what cannot run shows early."""
        cells = ((batch, prompt, made) for made in self.generated for prompt in self.prompts for batch in self.batches)
        return iter(sorted(cells, key=lambda cell: cell[0] * (cell[1] + cell[2])))


def time_engine(
    engine: Engine,
    shape: Shape | None = None,
    grid: Grid | None = None,
    *,
    seed: int = 0,
    tick: Callable[[int], object] = lambda done: None,
) -> tuple[Measurement, ...]:
    """Times of batches of requests on an engine that nobody else is using, ready for `timings.calibrate`.

    Use it on an endpoint of your own; on one that others share, their requests are in the times. Prompts are random
    words, none the start of another, so that no cache of prefixes helps. What the engine reports of tokens counts, not
    what was asked: an answer that ends early is as long as it is. One request goes first, to warm up.
    Arguments: `shape` of the model, by default the engine's own; `tick` is called after each cell of the grid.
    Errors: `Refused` for an engine that reports no tokens or takes no prompt so long, and where no shape is known.

    >>> len(Grid(batches=(1, 8), prompts=(64,), generated=(1, 32)))
    4
    """
    known = shape or engine.profile.shape
    if known is None:
        raise Refused(
            "missing-shape", "the shape of the engine's model is not known", engine.profile.identity, "give one"
        )
    return wait(_timed(engine, known, grid or Grid(), random.Random(seed), tick))


async def _timed(
    engine: Engine, shape: Shape, grid: Grid, chance: random.Random, tick: Callable[[int], object]
) -> tuple[Measurement, ...]:
    await engine.sample(_request(1, 1, chance))
    found = []
    for row, (batch, prompt, made) in enumerate(grid):
        requests = [_request(prompt, made, chance) for _ in range(batch)]
        try:
            seconds, answers = await _together(engine, requests)
        except Refused as refused:
            raise Refused(refused.code, f"a prompt of {prompt} words and an answer of {made} tokens: {refused.message}", "the grid",
                          "give shorter ones, such as prompt=8,32 generated=1,8") from refused  # fmt: skip
        found.append(_measurement(engine, shape, answers, seconds, row))
        tick(1)
    return tuple(found)


def _request(prompt: int, generated: int, chance: random.Random) -> Request:
    words = " ".join(chance.choice(WORDS) for _ in range(prompt))
    return Request(prompt=f"{chance.randrange(10**6)} {words}", max_tokens=generated, seed=chance.randrange(2**31))


async def _together(engine: Engine, requests: Sequence[Request]) -> tuple[float, list[Response]]:
    """Seconds until the last of requests that were sent at once has ended, and the answers."""
    began = time.monotonic()
    answers = [answer for each in await asyncio.gather(*map(engine.sample, requests)) for answer in each]
    passed = time.monotonic() - began
    if engine.profile.virtual:
        passed = max(answer.seconds or 0.0 for answer in answers)
    return passed, answers


def _measurement(engine: Engine, shape: Shape, answers: Sequence[Response], seconds: float, row: int) -> Measurement:
    if any({"prompt", "generated"} & answer.usage.estimated or not answer.usage.prompt for answer in answers):
        raise Refused("no-usage", "the engine does not report how many tokens it read and wrote", engine.profile.identity,
                      "turn the usage of its server on, or give a table of measured times")  # fmt: skip
    prompt, made = (
        round(sum(getattr(a.usage, kind) for a in answers) / len(answers)) for kind in ("prompt", "generated")
    )
    measured = Measurement(shape=shape, batch=len(answers), prompt=prompt, generated=made, seconds=seconds, row=row)
    return replace(measured, phase="prefill") if made <= 1 else measured
