"""Tables with known truth, and sweeps of a simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from allometry.costs import find_shape
from allometry.inference.calls import read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.policies import Table, simulated_table
from allometry.inference.records import Records
from allometry.inference.strategies import read_strategy
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT

Draw = Callable[..., Table]


@pytest.fixture
def draw() -> Draw:
    return simulated_table


def simulated(
    *texts: str, problems: int = 60, budgets: str = "calls=1:9:+4", success: float | tuple[float, float] = (2.0, 2.0),
    failures: float = 0.0, records: Records | None = None,
) -> list[Outcome]:  # fmt: skip
    """The outcomes of strategies on a simulated world; `judged` is a grader of the kind learned."""
    graders = {"exact": EXACT, "judged": replace(EXACT, name="judged", kind="learned", oracle=False)}
    engine = Simulator(
        World(success=success, wrong=3, failures=failures), find_shape("layers=2 width=64 heads=4 ffn=128 vocab=64")
    )
    return list(sweep(
        simulated_problems(problems), [read_strategy(text, graders.__getitem__) for text in texts], read_budgets(budgets),
        engine, scorer=EXACT, records=records,
    ))  # fmt: skip


@pytest.fixture
def swept() -> Callable[..., list[Outcome]]:
    return simulated
