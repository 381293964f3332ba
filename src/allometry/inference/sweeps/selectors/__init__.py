"""How well a selector tells right samples from wrong ones, and what that makes of many samples."""

from allometry.inference.sweeps.selectors.best_of import BestOf, BestOfRow, Peak, best_of_curves
from allometry.inference.sweeps.selectors.errors import ProblemErrors, Selected, SelectorErrors, selector_errors
from allometry.inference.sweeps.selectors.graded import Graded, graded, read_graded
from allometry.inference.sweeps.selectors.limits import accuracy_of_best, ceiling
from allometry.inference.sweeps.selectors.reliability import Bin, Reliability, auc, reliability
from allometry.inference.sweeps.selectors.watching import watch_selectors

__all__ = [
    "BestOf",
    "BestOfRow",
    "Bin",
    "Graded",
    "Peak",
    "ProblemErrors",
    "Reliability",
    "Selected",
    "SelectorErrors",
    "accuracy_of_best",
    "auc",
    "best_of_curves",
    "ceiling",
    "graded",
    "read_graded",
    "reliability",
    "selector_errors",
    "watch_selectors",
]
