"""Killed in the middle of a search and resumed, every strategy comes to the same, and asks for nothing received again."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import MAIN, Budget, read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records, read_lines
from allometry.inference.records.segments import encode
from allometry.inference.strategies import find_strategy, list_strategies
from allometry.inference.sweeps import rows, sweep
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, simulated_verifier

WORLD = World(success=(1.0, 1.0), wrong=3, steps=3, step_tokens=8, failures=0.01)
BUDGETS = (*read_budgets("generated_tokens=60:240:x2"), Budget(calls=7), Budget(seconds=0.9))
GRADED = {word: simulated_verifier(0.2, 0.2) for word in ("verifier", "selector")}
NAMES = [*list_strategies()]


class Counting(Simulator):
    """A simulator that counts the samples it was asked for."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        object.__setattr__(self, "asked", 0)

    async def sample(self, request: Any) -> Any:
        object.__setattr__(self, "asked", self.asked + request.n)
        return await super().sample(request)


def table(name: str, path: Path, engine: Simulator) -> str:
    maker = find_strategy(name)
    strategy = maker(**{word: value for word, value in GRADED.items() if word in maker.parameters})
    with Records(path) as records:
        engines = dict.fromkeys((MAIN, *strategy.roles), engine)
        found = sweep(simulated_problems(4, 32), [strategy], BUDGETS, engines, scorer=EXACT, records=records)
    return json.dumps([row.as_json() for row in rows(found)])


@pytest.mark.parametrize("name", NAMES)
def test_killed_and_resumed_it_comes_to_the_same(name: str, dying: Any, tmp_path: Path) -> None:
    whole = Counting(WORLD)
    expected = table(name, tmp_path / "whole", whole)
    size = sum(len(encode(line)) for line in read_lines(tmp_path / "whole"))
    for moment in range(3):
        killed, resumed = Counting(WORLD), Counting(WORLD)
        with dying(random.Random(moment).randrange(size // 8, size)) as death:
            table(name, tmp_path / f"{moment}", killed)
        assert death.came
        assert table(name, tmp_path / f"{moment}", resumed) == expected
        assert resumed.asked < whole.asked


@pytest.mark.parametrize(
    "name", ["parallel_paths", "spawn_join", "fork_join", "plan_and_budget", "selective", "plan_search"]
)
def test_so_do_texts_that_fork_and_plans(name: str, dying: Any, tmp_path: Path, speaking: Any, say: Any) -> None:
    """On a model that does as it is told, so that there are children, threads and steps to be killed among."""
    problems = [
        Problem(f"{i}", f"problem {i}", answer="1", sample_tokens=24, read=lambda text: text[-1:]) for i in range(6)
    ]
    maker = find_strategy(name)
    given = {**GRADED, "told": True}
    strategy = maker(**{word: value for word, value in given.items() if word in maker.parameters})

    def ran(path: Path) -> tuple[str, int]:
        with Records(path) as records:
            found = sweep(
                problems, [strategy], read_budgets("100:400:x2"), engine := speaking(say), scorer=EXACT, records=records
            )
        return json.dumps([row.as_json() for row in rows(found)]), len(engine.asked)

    expected, asked = ran(tmp_path / "whole")
    size = sum(len(encode(line)) for line in read_lines(tmp_path / "whole"))
    for moment in range(3):
        with dying(random.Random(moment).randrange(size // 8, size)) as death:
            ran(tmp_path / f"{moment}")
        assert death.came
        again, resumed = ran(tmp_path / f"{moment}")
        assert again == expected
        assert resumed < asked
