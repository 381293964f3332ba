"""A sweep over every kind of strategy, and a process that dies in the middle of a write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import Budget, Engine, Request, Response, Scope, read_budgets
from allometry.inference.records import Records, folder
from allometry.inference.strategies import Answer, Strategy, find_strategy, strategy
from allometry.inference.sweeps import Outcome, rows, sweep
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, Grader, simulated_verifier

BUDGETS = (*read_budgets("generated_tokens=30:240:x2"), Budget(calls=5), Budget(seconds=0.7))


@strategy(needs=("continuation", "stop"))
async def beam(problem: Any, engine: Scope, budget: Any, *, width: int = 3, verifier: Grader) -> Answer:
    """A search over steps with a tool, racing and children: everything a strategy may do."""
    prefixes = [""] * width
    for _ in range(4):
        requests = [Request(problem.prompt, 16, prefix=prefix, stop=("\n",)) for prefix in prefixes]
        found = await engine.map(_step, requests)
        texts = [r.prefix + one.content for r, one in zip(requests, found, strict=True)]
        grades = await engine.grade(
            verifier, [Response(text, key=one.key) for text, one in zip(texts, found, strict=True)]
        )
        scale = await engine.tool("scale", {"grades": grades}, lambda grades: 1 + sum(grades))
        picked = engine.random.choices(texts, [g + 0.1 / scale for g in grades], k=width)
        prefixes = [text + "\n" for text in picked]
        if any(one.stopped_by is None for one in found):
            break
    await engine.first(1, _step, requests[:2])
    return Answer(Response(prefixes[0], key=found[0].key), width)


async def _step(engine: Scope, request: Request) -> Response:
    return (await engine.sample(request))[0]


@pytest.fixture(scope="session")
def strategies() -> list[Strategy]:
    verifier = simulated_verifier(0.2, 0.2)
    return [
        find_strategy("greedy")(),
        find_strategy("best_of_n")(selector=verifier),
        find_strategy("self_consistency")(),
        find_strategy("first_finish")(count=2),
        beam(verifier=verifier),
    ]


Swept = tuple[str, list[Outcome]]
Sweeping = Callable[..., Swept]


@pytest.fixture(scope="session")
def sweeping(strategies: list[Strategy]) -> Sweeping:
    """Run the sweep in a folder; the table as text, and the outcomes."""

    def run(
        engine: Engine,
        path: Path | None,
        problems: Sequence[Problem] = tuple(simulated_problems(6, 30)),
        budgets: Sequence[Budget] = BUDGETS,
        **settings: Any,
    ) -> Swept:
        with Records(path) as records:
            found = sweep(problems, strategies, budgets, engine, scorer=EXACT, records=records, **settings)
        table = [row.as_json() for row in rows(found)]
        return json.dumps(table), found

    return run


class Killed(BaseException):
    """The end of the process."""


@dataclass
class Death:
    """Whether it came."""

    came: bool = False


Dying = Callable[[int], Any]


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Dying:
    """A context in which the process dies when it has written so many bytes, in the middle of a line or not."""

    @contextmanager
    def die_after(size: int) -> Iterator[Death]:
        left, real, death = size, folder.append, Death()
        opened: list[Records] = []
        initial = Records.__init__

        def noted(self: Records, *arguments: Any, **settings: Any) -> None:
            initial(self, *arguments, **settings)
            opened.append(self)

        def append(file: Any, lines: Sequence[bytes]) -> None:
            nonlocal left
            raw = b"".join(lines)
            real(file, [raw[: max(0, left)]])
            left -= len(raw)
            if left < 0:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(folder, "append", append)
            patch.setattr(Records, "__init__", noted)
            try:
                yield death
            except Killed:
                death.came = True
            finally:
                for records in opened:  # as the system does when a process ends
                    if records._file is not None and not records._file.closed:
                        records._file.close()
                        os.close(records._lock or 0)

    return die_after
