"""Tables with known truth: cells whose chance of being right on a problem is known, answers drawn from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allometry.inference.calls import NUMBERS
from allometry.inference.policies.table import Array, Cell, Ended, Table

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
