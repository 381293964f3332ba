"""Clean ladders with a known truth, for rules to be quiet on and for faults to be put into."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allometry.advice import Finding, Study, list_rules
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.runs import read_runs

Columns = dict[str, np.ndarray]
LAW = find_law("chinchilla")
TRUTH = np.array([LAW.published["epoch"].values[name] for name in LAW.parameter_names])


def ladder(seed: int, sizes: int = 6, budgets: int = 5, again: int = 8, noise: float = 0.005) -> Columns:
    """A grid of sizes and token budgets, some settings run again, with normal noise in the logarithm of the loss."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(np.geomspace(5e7, 5e9, sizes), np.geomspace(1e9, 1e11, budgets))
    params, tokens = (axis.ravel() for axis in grid)
    pick = np.concatenate([np.arange(len(params)), rng.choice(len(params), size=again, replace=False)])
    columns = {"params": params[pick], "tokens": tokens[pick]}
    return {**columns, "loss": LAW.evaluate(TRUTH, columns) * np.exp(rng.normal(0, noise, len(pick)))}


@pytest.fixture
def clean() -> Callable[..., Columns]:
    return ladder


@pytest.fixture
def asked() -> Callable[..., dict[str, Finding]]:
    """The findings on a table by code, of the rules named, by default of all."""

    def ask(columns: Columns, *rules: str, **more: object) -> dict[str, Finding]:
        study = Study(read_runs(columns), LAW, Settings(bootstrap=60), **more)  # type: ignore[arg-type]
        known = list_rules()
        return {finding.code: finding for rule in rules or known for finding in known[rule](study)}

    return ask
