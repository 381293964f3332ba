"""Small fits of known laws, made once."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit
from allometry.laws import find_law
from allometry.runs import read_runs


def grid_table(seed: int = 0) -> dict[str, np.ndarray]:
    n, d = (values.ravel() for values in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 5)))
    noise = np.exp(0.005 * np.random.default_rng(seed).standard_normal(len(n)))
    return {"params": n, "tokens": d, "loss": (1.7 + 400 / n**0.34 + 410 / d**0.28) * noise}


@pytest.fixture(scope="session")
def chinchilla_fit() -> Fit:
    return fit(read_runs(grid_table()), "chinchilla", Settings(bootstrap=60))


@pytest.fixture(scope="session")
def curve_fit() -> Fit:
    """One axis, of no vocabulary, with a name that would be markup if it were not escaped."""
    x = np.geomspace(1e3, 1e6, 16)
    law = find_law("a + b * examples**-c", metric="loss")
    noise = np.exp(0.003 * np.random.default_rng(1).standard_normal(len(x)))
    return fit(read_runs({"examples": x, "loss": (0.5 + 30 * x**-0.4) * noise}), law, Settings(bootstrap=40))
