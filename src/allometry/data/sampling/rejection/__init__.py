"""Difficulty-aware rejection sampling: targets of right answers by query, what they will take, and drawing them."""

from allometry.data.sampling.rejection.drawing import Query, Sampled, Sampling, draw_to_targets, pilot
from allometry.data.sampling.rejection.forecast import TrialForecast, forecast_trials
from allometry.data.sampling.rejection.rates import draw_rates, expected_rates
from allometry.data.sampling.rejection.targets import RULES, prop2diff_targets, uniform_targets
from allometry.data.sampling.rejection.trials import CappedTrials, capped_trials
from allometry.data.sampling.rejection.vanilla import Vanilla, mean_difficulty, vanilla, vanilla_of_counts

__all__ = [
    "RULES", "CappedTrials", "Query", "Sampled", "Sampling", "TrialForecast", "Vanilla", "capped_trials", "draw_rates",
    "draw_to_targets", "expected_rates", "forecast_trials", "mean_difficulty", "pilot", "prop2diff_targets", "uniform_targets",
    "vanilla", "vanilla_of_counts",
]  # fmt: skip
