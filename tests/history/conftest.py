"""A table of named runs of a known law, and fits of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit
from allometry.runs import read_runs

Table = dict[str, Any]


def known_loss(params: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    return 1.8 + 480 / params**0.35 + 2100 / tokens**0.37


def named_table(rows: int = 40, seed: int = 0, noise: float = 0.005) -> Table:
    """Runs in the order in which they were made; the first of a longer table are those of a shorter one."""
    draws = np.random.default_rng(seed).standard_normal((rows, 3))
    params, tokens = np.round(10 ** (8.5 + 0.7 * draws[:, 0])), np.round(10 ** (10.5 + 0.7 * draws[:, 1]))
    loss = np.round(known_loss(params, tokens) * np.exp(noise * draws[:, 2]), 6)
    return {"run_id": [f"moon-{i:02d}" for i in range(rows)], "params": params, "tokens": tokens, "loss": loss}


def part(table: Table, rows: slice | np.ndarray) -> Table:
    return {name: np.asarray(column)[rows] for name, column in table.items()}


@pytest.fixture
def table() -> Callable[..., Table]:
    return named_table


@pytest.fixture(scope="session")
def june() -> Fit:
    """A fit of the first 40 of 52 runs."""
    return fit(read_runs(part(named_table(52), slice(40))), "chinchilla", Settings(bootstrap=120))


@pytest.fixture(scope="session")
def july() -> Fit:
    """The same with ten more runs."""
    return fit(read_runs(part(named_table(52), slice(50))), "chinchilla", Settings(bootstrap=120))
