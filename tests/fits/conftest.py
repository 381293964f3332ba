"""Synthetic ladders whose law is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allometry.runs import Runs, read_runs

TRUTH = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}
Table = dict[str, np.ndarray]


def loss(params: np.ndarray, tokens: np.ndarray, floor: float = TRUTH["E"]) -> np.ndarray:
    return floor + TRUTH["A"] / params ** TRUTH["alpha"] + TRUTH["B"] / tokens ** TRUTH["beta"]


@pytest.fixture
def ladder_table() -> Callable[..., Table]:
    """Columns of runs of the known law: `ladder_table(rows, noise, seed, tokens_per_param)`; independent sizes and tokens by default."""

    def make(
        rows: int = 40,
        noise: float = 0.005,
        seed: int = 0,
        tokens_per_param: float | None = None,
        params: float | None = None,
    ) -> Table:
        generator = np.random.default_rng(seed)
        sizes = 10 ** generator.uniform(7, 10, rows) if params is None else np.full(rows, params)
        drawn = 10 ** generator.uniform(9, 12, rows)
        tokens = drawn if tokens_per_param is None else tokens_per_param * sizes
        scatter = np.exp(noise * generator.standard_normal(rows))
        return {"params": sizes, "tokens": tokens, "loss": loss(sizes, tokens) * scatter}

    return make


@pytest.fixture
def ladder(ladder_table: Callable[..., Table]) -> Callable[..., Runs]:
    """The same as runs."""
    return lambda *words, **named: read_runs(ladder_table(*words, **named))
