"""Tables with known truth, and sweeps of a simulator: cells whose chance of being right on a problem is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from allometry.costs import find_shape
from allometry.inference.calls import NUMBERS, read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.policies.table import Array, Cell, Ended, Table
from allometry.inference.records import Records
from allometry.inference.strategies import read_strategy
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT

Draw = Callable[..., tuple[Table, Array]]


def drawn(level: Array, cost: Array, *, problems: int = 200, seeds: int = 1, seed: int = 0, spread: float = 2.0) -> tuple[Table, Array]:  # fmt: skip
    """A table of cells with these accuracies on average, and the truth (C,): hard problems are hard for all cells."""
    rng = np.random.default_rng(seed)
    shift = _shifts(level, spread)
    hardness = rng.normal(0, spread, problems)
    chance = 1 / (1 + np.exp(-(shift[:, None] + hardness)))
    grades = (rng.random((len(level), problems, seeds)) < chance[..., None]).astype(float)
    spent = cost[:, None, None] * rng.gamma(4.0, 0.25, (len(level), problems, seeds))
    meters = {name: spent if name == "generated_tokens" else np.ones_like(spent) for name in NUMBERS}
    names = tuple(f"{i:04d}" for i in range(problems))
    cells = tuple(Cell(f"s{i}", f"s{i}()", "engine", f"calls={i + 1}", "majority", "rule") for i in range(len(level)))
    ended = tuple(Ended(0, 0, 0, problems * seeds) for _ in cells)
    return Table(cells, names, names, grades, meters, np.full_like(grades, np.nan), ended, "exact", "exact outcome",
                 "rule", f"{seed}"), level  # fmt: skip


def _shifts(level: Array, spread: float) -> Array:
    """The intercepts that give these accuracies, by bisection over a fixed quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    low, high = np.full(len(level), -30.0), np.full(len(level), 30.0)
    for _ in range(60):
        middle = (low + high) / 2
        mean = (1 / (1 + np.exp(-(middle[:, None] + spread * nodes))) * weights).sum(axis=1) / weights.sum()
        low, high = np.where(mean < level, middle, low), np.where(mean < level, high, middle)
    return (low + high) / 2


@pytest.fixture
def draw() -> Draw:
    return drawn


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
