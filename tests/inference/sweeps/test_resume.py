"""A killed sweep goes on where it was: the same table to the byte, and nothing asked again whose answer was received."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import Request, Response, read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.records import read_lines
from allometry.inference.records.segments import encode
from allometry.inference.tasks import Problem, simulated_problems

WORLD = World(success=(1.0, 1.0), wrong=3, steps=3, step_tokens=8, failures=0.02)


class Listening(Simulator):
    """A simulator that keeps which samples it was asked for."""

    asked: list[tuple[Any, ...]]

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        object.__setattr__(self, "asked", [])

    async def sample(self, request: Request) -> Sequence[Response]:
        self.asked.extend(
            (request.prompt, request.prefix, request.max_tokens, request.seed + i) for i in range(request.n)
        )
        return await super().sample(request)


@pytest.fixture(scope="module")
def whole(sweeping: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """The table of the sweep that nobody killed, and the bytes it wrote."""
    folder = tmp_path_factory.mktemp("whole")
    engine = Listening(WORLD)
    table, _ = sweeping(engine, folder)
    again = Listening(WORLD)
    assert sweeping(again, folder)[0] == table
    assert again.asked, "failed episodes are run again"
    assert not _received(folder) & {asked[-1] for asked in again.asked}
    return table, sum(len(encode(line)) for line in read_lines(folder))


@pytest.mark.parametrize("moment", range(20))
def test_killed_at_any_moment_and_resumed_the_table_is_the_same_to_the_byte(
    moment: int, whole: tuple[str, int], sweeping: Any, dying: Any, tmp_path: Path
) -> None:
    table, size = whole
    when = random.Random(moment).randrange(size)
    killed, resumed = Listening(WORLD), Listening(WORLD)
    with dying(when) as death:
        sweeping(killed, tmp_path)
    assert death.came
    received = _received(tmp_path)
    assert sweeping(resumed, tmp_path)[0] == table
    assert not received & {asked[-1] for asked in resumed.asked}


def test_killed_again_and_again_it_still_ends_with_the_same_table(
    whole: tuple[str, int], sweeping: Any, dying: Any, tmp_path: Path
) -> None:
    table, size = whole
    for moment in range(6):
        with dying(random.Random(moment).randrange(size // 4)):
            sweeping(Simulator(WORLD), tmp_path)
    assert sweeping(Simulator(WORLD), tmp_path)[0] == table


def test_problems_run_one_by_one_or_together_give_the_same_table(whole: tuple[str, int], sweeping: Any) -> None:
    assert sweeping(Simulator(WORLD), None, at_once=1)[0] == whole[0]


@pytest.mark.parametrize("moment", range(4))
def test_on_a_live_engine_nothing_received_is_asked_again(
    moment: int, sweeping: Any, dying: Any, tmp_path: Path, scripted: Any
) -> None:
    problems = [Problem(f"{i}", f"p{i}", answer=f"p{i}/1", sample_tokens=8) for i in range(3)]
    budgets = read_budgets("generated_tokens=16:64:x2")
    engines = [scripted(delay=lambda prompt: 0.0005 * int(prompt[1])) for _ in range(2)]
    with dying(random.Random(moment).randrange(60_000)):
        sweeping(engines[0], tmp_path, problems, budgets)
    received = _received(tmp_path)
    sweeping(engines[1], tmp_path, problems, budgets)
    assert not received & {request.seed + i for request in engines[1].asked for i in range(request.n)}


def test_a_larger_budget_uses_the_samples_of_a_smaller_one(sweeping: Any, tmp_path: Path) -> None:
    problems = simulated_problems(4, 32)
    first, second, fresh = (Listening(WORLD) for _ in range(3))
    sweeping(first, tmp_path, problems, read_budgets("generated_tokens=128"))
    both, _ = sweeping(second, tmp_path, problems, read_budgets("generated_tokens=128:256:x2"))
    assert both == sweeping(fresh, None, problems, read_budgets("generated_tokens=128:256:x2"))[0]
    assert not _received(tmp_path) & {asked[-1] for asked in first.asked} & {asked[-1] for asked in second.asked}
    assert set(fresh.asked) == set(first.asked) | set(second.asked)


def _received(folder: Path) -> set[int]:
    """The seeds of samples whose answers are whole in the records."""
    lines = [line for line in read_lines(folder) if line["kind"] == "sample" and line["finish"] != "cancelled"]
    return {int(line["key"], 16) % (1 << 52) for line in lines}
