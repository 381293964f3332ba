"""Strategies run on problems at budgets, and what they come to."""

from allometry.inference.sweeps.curves import Curve, curves
from allometry.inference.sweeps.episode import Outcome, outcome_of
from allometry.inference.sweeps.estimate import Estimate, Length, estimate, measured_length, measured_pace
from allometry.inference.sweeps.intervals import accuracy_interval, difference_interval, problems_to_detect
from allometry.inference.sweeps.metrics import arise, efficiency, pass_at_k, scaling_slope, token_spread, worst_of_n
from allometry.inference.sweeps.results import Results, summarise
from allometry.inference.sweeps.rows import Difference, Row, cells, differences, rows
from allometry.inference.sweeps.sweep import AT_ONCE, Swept, asweep, sweep

__all__ = [
    "AT_ONCE",
    "Curve",
    "Difference",
    "Estimate",
    "Length",
    "Outcome",
    "Results",
    "Row",
    "Swept",
    "accuracy_interval",
    "arise",
    "asweep",
    "cells",
    "curves",
    "difference_interval",
    "differences",
    "efficiency",
    "estimate",
    "measured_length",
    "measured_pace",
    "outcome_of",
    "pass_at_k",
    "problems_to_detect",
    "rows",
    "scaling_slope",
    "summarise",
    "sweep",
    "token_spread",
    "worst_of_n",
]
