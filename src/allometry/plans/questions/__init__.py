"""Single questions of planning, one file each; every one answers with an `Answer`."""

from allometry.plans.questions.answer import Answer, Value
from allometry.plans.questions.choose import Option, choose, chosen
from allometry.plans.questions.compound import NETWORKS, compound, exponents, factors, scaled
from allometry.plans.questions.filtering import filtering
from allometry.plans.questions.growth import grow, speedup
from allometry.plans.questions.machines import Machine, machines
from allometry.plans.questions.recipe import recipe
from allometry.plans.questions.split import SCHEDULES, best_shares, efficiency, scheduled, split_budget
from allometry.plans.questions.strategies import Measured, compare_strategies
from allometry.plans.questions.thinking import bigger_or_longer

__all__ = [
    "NETWORKS",
    "SCHEDULES",
    "Answer",
    "Machine",
    "Measured",
    "Option",
    "Value",
    "best_shares",
    "bigger_or_longer",
    "choose",
    "chosen",
    "compare_strategies",
    "compound",
    "efficiency",
    "exponents",
    "factors",
    "filtering",
    "grow",
    "machines",
    "recipe",
    "scaled",
    "scheduled",
    "speedup",
    "split_budget",
]
