"""Fits with known constants and Gaussian draws about them: plans without the cost of fitting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from allometry.fits import Fit, published_fit
from allometry.laws import Law
from allometry.runs import Rows


@pytest.fixture
def known() -> Callable[..., Fit]:
    """`known(law, values, spread, draws)`: a fit whose draws scatter by `spread` (relative) about `values`."""

    def make(law: Law, values: dict[str, float], spread: float = 0.01, draws: int = 1000, seed: int = 0) -> Fit:
        estimate = np.array([values[name] for name in law.parameter_names])
        noise = np.random.default_rng(seed).normal(size=(draws, len(estimate)))
        base = published_fit("chinchilla@hoffmann")
        rows = Rows.empty(law.axes, law.metric, {"params": "total"})
        return replace(base, law=law, rows=rows, estimate=estimate, draws=estimate * np.exp(spread * noise),
                       provenance="fitted", interval_kind="pairs bootstrap over rows")  # fmt: skip

    return make
