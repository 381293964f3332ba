"""Plans over a model's whole life: training and serving together."""

from allometry.plans.lifetime.ladder import Rung
from allometry.plans.lifetime.lifetime import lifetime
from allometry.plans.lifetime.money import Deployment
from allometry.plans.lifetime.rates import PerSize, Rates
from allometry.plans.lifetime.region import COST_WITHIN
from allometry.plans.lifetime.result import Lifetime
from allometry.plans.lifetime.savings import RULE_RATIO, Saving
from allometry.plans.lifetime.search import ABOVE, GRID, REACH
from allometry.plans.lifetime.stakes import Judged, PricedSize
from allometry.plans.lifetime.tokens import LEAST_TOKENS, MOST_TOKENS

__all__ = [
    "ABOVE",
    "COST_WITHIN",
    "GRID",
    "LEAST_TOKENS",
    "MOST_TOKENS",
    "REACH",
    "RULE_RATIO",
    "Deployment",
    "Judged",
    "Lifetime",
    "PerSize",
    "PricedSize",
    "Rates",
    "Rung",
    "Saving",
    "lifetime",
]
