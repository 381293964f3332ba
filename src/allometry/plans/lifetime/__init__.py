"""Plans over a model's whole life: training and serving together."""

from allometry.plans.lifetime.ladder import Rung
from allometry.plans.lifetime.lifetime import lifetime
from allometry.plans.lifetime.money import Deployment
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.region import COST_WITHIN
from allometry.plans.lifetime.result import Lifetime
from allometry.plans.lifetime.savings import RULE_RATIO, Saving
from allometry.plans.lifetime.stakes import Judged, PricedSize

__all__ = [
    "COST_WITHIN",
    "RULE_RATIO",
    "Deployment",
    "Judged",
    "Lifetime",
    "PricedSize",
    "Rates",
    "Rung",
    "Saving",
    "lifetime",
]
