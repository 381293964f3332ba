"""The errors of a backtest by how far ahead the forecast rows lay."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from allometry.forecasts.backtest import Backtest

DECADES = (0.0, 0.5, 1.0, 2.0, 100.0)  # ends of the ranges: the last holds everything beyond two


@dataclass(frozen=True)
class Distance:
    """How a law forecast rows some decades above the fitted ones: how many, mean |error|, bias, share inside."""

    low: float
    high: float
    rows: int
    error_mean: float
    bias: float
    coverage: float | None

    @property
    def sentence(self) -> str:
        inside = "" if self.coverage is None else f", {self.coverage:.0%} inside"
        return (
            f"{self.low:g} to {self.high:g} decades ahead {self.error_mean:.2%} off, bias {self.bias:+.2%}{inside} "
            f"({self.rows} rows)"
        )

    def as_json(self) -> dict[str, float | int | None]:
        return {
            "low": self.low, "high": self.high, "rows": self.rows, "error_mean": self.error_mean, "bias": self.bias,
            "coverage": self.coverage,
        }  # fmt: skip


def by_distance(test: Backtest) -> tuple[Distance, ...]:
    """The errors of a backtest by how far ahead the rows lay; empty for a given hold-out, which has no axis."""
    found = []
    for low, high in pairwise(DECADES):
        rows = np.flatnonzero((test.ahead > low) & (test.ahead <= high) & np.isfinite(test.error))
        if rows.size:
            inside = float(test.inside[rows].mean()) if np.isfinite(test.low[rows]).all() else None
            error = test.error[rows]
            farthest = min(high, float(np.ceil(10 * test.ahead[rows].max()) / 10))
            mean = float(np.abs(np.expm1(error)).mean())
            found.append(Distance(low, farthest, len(rows), mean, float(error.mean()), inside))
    return tuple(found)
