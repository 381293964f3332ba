"""Decisions: what to build for a budget or a loss, and how far to trust that."""

from allometry.notices import Step
from allometry.plans._arms_curves import Gap, Order, Turn
from allometry.plans._arms_result import Arms
from allometry.plans.arms import arms
from allometry.plans.calibration import Calibration, Look
from allometry.plans.chain import shown
from allometry.plans.crossover import Crossing, Crossovers, crossover
from allometry.plans.decision import optimal_params
from allometry.plans.drift import Cut, Refit
from allometry.plans.ends import percent
from allometry.plans.exchange import Exchange, exchange, exchange_rate
from allometry.plans.isoflop import Budget, IsoFlop, isoflop
from allometry.plans.joint import Choice, Joint, joint, together
from allometry.plans.lifetime import Deployment, Lifetime, Rates, Saving, lifetime
from allometry.plans.limits_cost import Limit, LimitCost
from allometry.plans.plan import plan
from allometry.plans.quantities import PairedRatio, default_quantities, paired_optima, target_compute
from allometry.plans.recommended import Recommended
from allometry.plans.region import WITHIN, Region
from allometry.plans.result import Plan
from allometry.plans.stakes import Price, Priced
from allometry.plans.terms import RISING_METRICS, Terms
from allometry.plans.wrong import SETTLED, Wrong

__all__ = [
    "RISING_METRICS",
    "SETTLED",
    "WITHIN",
    "Arms",
    "Budget",
    "Calibration",
    "Choice",
    "Crossing",
    "Crossovers",
    "Cut",
    "Deployment",
    "Exchange",
    "Gap",
    "IsoFlop",
    "Joint",
    "Lifetime",
    "Limit",
    "LimitCost",
    "Look",
    "Order",
    "PairedRatio",
    "Plan",
    "Price",
    "Priced",
    "Rates",
    "Recommended",
    "Refit",
    "Region",
    "Saving",
    "Step",
    "Terms",
    "Turn",
    "Wrong",
    "arms",
    "crossover",
    "default_quantities",
    "exchange",
    "exchange_rate",
    "isoflop",
    "joint",
    "lifetime",
    "optimal_params",
    "paired_optima",
    "percent",
    "plan",
    "shown",
    "target_compute",
    "together",
]
