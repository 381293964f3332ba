"""A strategy that is run again on its record of a live engine sees the same answers at the same times, and asks nothing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import Budget, Exhausted, Request
from allometry.inference.records import Records, read_lines


async def busy(problem: Any, scope: Any, budget: Any, seen: list[Any]) -> None:
    """Threads that race, wait for one another and decide by the clock, by chance and by what is left."""

    async def worker(scope: Any, i: int) -> tuple[int, float]:
        for step in range(3):
            found = await scope.sample(Request(f"{i}{step}", max_tokens=8, n=1 + i % 2))
            seen.append((scope.path, scope.now(), [one.content for one in found], budget.left("calls")))
            if scope.random.random() < 0.2:
                break
        return i, scope.now()

    for _ in range(2):
        seen.append(await scope.first(2, worker, range(4)))
        seen.append(await scope.map(worker, range(2)))
    try:
        for _ in range(40):
            found = await scope.sample(Request("last", max_tokens=8))
            seen.append((found[0].finish, scope.now(), budget.left("seconds")))
    except Exhausted as exhausted:
        seen.append(str(exhausted))


@pytest.mark.parametrize("budget", [Budget(calls=45), Budget(seconds=0.12), Budget(calls=60, seconds=0.3)])
def test_the_same_events_in_the_same_order_at_the_same_times(
    budget: Budget, run: Any, scripted: Any, tmp_path: Path
) -> None:
    chance = random.Random(0)
    delays = {str(i): chance.uniform(0, 0.02) for i in range(10)}
    engine = scripted(delay=lambda prompt: delays[prompt[0]] if prompt != "last" else 0.004, takes_n=False)
    found = []
    for _ in range(3):
        seen: list[Any] = []

        async def solve(problem: Any, scope: Any, budget: Any, seen: list[Any] = seen) -> None:
            await busy(problem, scope, budget, seen)

        asked = len(engine.asked)
        with Records(tmp_path) as records:
            outcome = run(solve, engine, budget, records=records)
        found.append((seen, outcome.meter, len(engine.asked) - asked))
    assert found[0][2] > 3
    assert [again[2] for again in found[1:]] == [0, 0]
    assert found[1][0] == found[0][0]
    assert found[1][1] == found[0][1]
    assert found[2][:2] == found[0][:2]
    assert {line["finish"] for line in read_lines(tmp_path) if line["kind"] == "sample"} == {"stop", "cancelled"}
