"""Strategies run on problems at budgets."""

from allometry.inference.sweeps.episode import Outcome
from allometry.inference.sweeps.sweep import Row, Swept, asweep, rows, sweep

__all__ = ["Outcome", "Row", "Swept", "asweep", "rows", "sweep"]
