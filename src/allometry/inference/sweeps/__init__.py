"""Strategies run on problems at budgets."""

from allometry.inference.sweeps.episode import Outcome
from allometry.inference.sweeps.intervals import accuracy_interval, difference_interval, problems_to_detect
from allometry.inference.sweeps.rows import Difference, Row, differences, rows
from allometry.inference.sweeps.sweep import Swept, asweep, sweep

__all__ = [
    "Difference",
    "Outcome",
    "Row",
    "Swept",
    "accuracy_interval",
    "asweep",
    "difference_interval",
    "differences",
    "problems_to_detect",
    "rows",
    "sweep",
]
