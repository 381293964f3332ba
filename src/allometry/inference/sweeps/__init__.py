"""Strategies run on problems at budgets, and what they come to."""

from allometry.inference.sweeps.curves import Curve, curves
from allometry.inference.sweeps.episode import Outcome, outcome_of
from allometry.inference.sweeps.estimate import Estimate, Length, estimate, measured_length, measured_pace
from allometry.inference.sweeps.intervals import (
    accuracy_interval,
    difference_interval,
    mean_interval,
    problems_to_detect,
)
from allometry.inference.sweeps.metrics import arise, efficiency, pass_at_k, scaling_slope, token_spread, worst_of_n
from allometry.inference.sweeps.reading import read_outcomes
from allometry.inference.sweeps.results import Results, summarise
from allometry.inference.sweeps.rows import Difference, Row, cells, differences, rows
from allometry.inference.sweeps.selectors import (
    BestOf,
    Graded,
    Reliability,
    Selected,
    SelectorErrors,
    auc,
    best_of_curves,
    ceiling,
    graded,
    reliability,
    selector_errors,
    watch_selectors,
)
from allometry.inference.sweeps.sweep import AT_ONCE, Swept, asweep, sweep

__all__ = [
    "AT_ONCE",
    "BestOf",
    "Curve",
    "Difference",
    "Estimate",
    "Graded",
    "Length",
    "Outcome",
    "Reliability",
    "Results",
    "Row",
    "Selected",
    "SelectorErrors",
    "Swept",
    "accuracy_interval",
    "arise",
    "asweep",
    "auc",
    "best_of_curves",
    "ceiling",
    "cells",
    "curves",
    "difference_interval",
    "differences",
    "efficiency",
    "estimate",
    "graded",
    "mean_interval",
    "measured_length",
    "measured_pace",
    "outcome_of",
    "pass_at_k",
    "problems_to_detect",
    "read_outcomes",
    "reliability",
    "rows",
    "scaling_slope",
    "selector_errors",
    "summarise",
    "sweep",
    "token_spread",
    "watch_selectors",
    "worst_of_n",
]
