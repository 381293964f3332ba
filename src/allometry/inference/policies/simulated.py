"""Tables with known truth: cells whose chance of being right on each problem is known, and answers drawn from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from allometry.inference.calls import NUMBERS
from allometry.inference.policies.table import Array, Cell, Ended, Table


def simulated_table(
    level: ArrayLike, cost: ArrayLike, *, problems: int = 200, seeds: int = 1, seed: int = 0, spread: float = 2.0
) -> Table:
    """A table of cells whose accuracies over all problems are `level` (C,), at mean `cost` (C,) in generated tokens.

    Use it to see what planning does where the truth is known. Problems that are hard are hard for all cells: logits of
    the chances have a standard deviation of `spread` over problems, in common. Costs of answers follow a gamma
    distribution of shape 4.

    >>> simulated_table([0.3, 0.6], [10, 100], problems=5000).grades.mean(axis=(1, 2)).round(1).tolist()
    [0.3, 0.6]
    """
    rng, levels, costs = np.random.default_rng(seed), np.asarray(level, float), np.asarray(cost, float)
    hardness = rng.normal(0, spread, problems)
    chance = _chance(_shifts(levels, spread)[:, None] + hardness)
    grades = (rng.random((len(levels), problems, seeds)) < chance[..., None]).astype(float)
    spent = costs[:, None, None] * rng.gamma(4.0, 0.25, grades.shape)
    meters = {name: spent if name == "generated_tokens" else np.ones_like(spent) for name in NUMBERS}
    names = tuple(f"{i}" for i in range(problems))
    cells = tuple(Cell(f"s{i}", f"s{i}()", "engine", f"calls={i + 1}", "majority", "rule") for i in range(len(levels)))
    return Table(
        cells, names, names, grades, meters, np.full_like(grades, np.nan), tuple(Ended(0, 0, 0, problems * seeds) for _ in cells),
        "exact", "exact outcome", "rule", f"simulated {seed}",
    )  # fmt: skip


def _shifts(level: Array, spread: float) -> Array:
    """The logits at no hardness that give these accuracies, by bisection over a quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    low, high = np.full(len(level), -30.0), np.full(len(level), 30.0)
    for _ in range(60):
        middle = (low + high) / 2
        mean = (_chance(middle[:, None] + spread * nodes) * weights).sum(axis=1) / weights.sum()
        low, high = np.where(mean < level, middle, low), np.where(mean < level, high, middle)
    return (low + high) / 2


def _chance(logit: Array) -> Array:
    return 1 / (1 + np.exp(-logit))
