"""Decisions: what to build for a budget or a loss, and how far to trust that."""

from allometry.plans.chain import Step, shown
from allometry.plans.crossover import Crossing, Crossovers, crossover
from allometry.plans.decision import Wrong, optimal_params
from allometry.plans.drift import Cut, Refit
from allometry.plans.isoflop import Budget, IsoFlop, isoflop
from allometry.plans.plan import plan
from allometry.plans.quantities import PairedRatio, default_quantities, paired_optima, target_compute
from allometry.plans.region import WITHIN, Region
from allometry.plans.result import Plan
from allometry.plans.terms import Terms

__all__ = [
    "WITHIN",
    "Budget",
    "Crossing",
    "Crossovers",
    "Cut",
    "IsoFlop",
    "PairedRatio",
    "Plan",
    "Refit",
    "Region",
    "Step",
    "Terms",
    "Wrong",
    "crossover",
    "default_quantities",
    "isoflop",
    "optimal_params",
    "paired_optima",
    "plan",
    "shown",
    "target_compute",
]
