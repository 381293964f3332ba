"""The answer of a design: runs to make, and the widths expected before and after them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from allometry.notices import Notice


@dataclass(frozen=True)
class NextRun:
    """One run to make: `batch` (1 first), `at` by axis, its `cost`, its `share` of the expected narrowing (all sum
    to 1; of the log of the width, given the runs listed before it), and the number of its candidate from 0."""

    batch: int
    at: Mapping[str, float]
    cost: float
    share: float
    candidate: int

    def as_json(self) -> dict[str, object]:
        return {"batch": self.batch, "at": dict(self.at), "cost": self.cost, "share": self.share,
                "candidate": self.candidate}  # fmt: skip


@dataclass(frozen=True)
class NextRuns:
    """Runs to make next, and what they are expected to do to the interval of the quantity asked for.

    `before`, `after` and `spread` are widths of its `level` interval as ln(high / low): now, expected after `runs`,
    and after a log-uniform draw of candidates of the same total cost. `after_batch` is the width after each batch;
    `scatter` the standard deviation of one run in the fit's space that was reckoned with; `spent` is in `unit`.
    """

    runs: tuple[NextRun, ...]
    value: float
    before: float
    after: float
    after_batch: tuple[float, ...]
    spread: float
    level: float
    scatter: float
    spent: float
    unit: str
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, object]:
        """Widths as logarithms and, under `percent`, by how much the upper end of the interval is above the lower."""
        widths = {"before": self.before, "after": self.after, "grid": self.spread}
        return {
            "runs": [run.as_json() for run in self.runs],
            "expected_width_before": self.before, "expected_width_after": self.after, "expected_width_grid": self.spread,
            "expected_width_after_batch": list(self.after_batch),
            "percent": {name: percent(width) for name, width in widths.items()},
            "value": self.value, "level": self.level, "scatter": self.scatter, "spent": self.spent, "unit": self.unit,
            "warnings": [{"code": n.code, "message": n.message} for n in self.notices],
        }  # fmt: skip


def percent(width: float) -> float:
    """A width ln(high / low) as percent by which high is above low.

    >>> round(percent(0.02), 3)
    2.02
    """
    return 100 * math.expm1(width)
