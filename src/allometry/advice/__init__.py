"""What an expert would say of a table before believing a fit of it: rules, their evidence, and what following them does."""

from allometry.advice.advise import Advice, Rule, advise, list_rules
from allometry.advice.finding import LEVELS, Change, Finding, Level
from allometry.advice.sources import Source
from allometry.advice.study import Study, default_settings

__all__ = [
    "LEVELS",
    "Advice",
    "Change",
    "Finding",
    "Level",
    "Rule",
    "Source",
    "Study",
    "advise",
    "default_settings",
    "list_rules",
]
