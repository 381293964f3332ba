"""What a fit says about runs not yet made: values, intervals, and how far from the data they are."""

from allometry.forecasts._design_candidates import Candidates, buildable, listed_candidates
from allometry.forecasts._next_result import NextRun, NextRuns, percent
from allometry.forecasts._path_band import IN_A_ROW
from allometry.forecasts._path_table import read_watched
from allometry.forecasts._watch_result import Checkpoint, Watch
from allometry.forecasts.backtest import Backtest, backtest
from allometry.forecasts.by_distance import Distance, by_distance
from allometry.forecasts.chain import Through, forecast_through, through_draws
from allometry.forecasts.clustered import Cluster, ClusteredForecast, forecast_clustered
from allometry.forecasts.coverage import Coverage, coverage_of
from allometry.forecasts.discrepancy import DISCREPANCY, decades_beyond, discrepancy, widened
from allometry.forecasts.extrapolation import Extrapolation, Surroundings, Word
from allometry.forecasts.forecast import Forecast, Forecasts, Of, calibrated_draws, forecast
from allometry.forecasts.intervals import CALIBRATED, FIT_NOISE, MOST_LOST, interval_label, interval_of, percentiles
from allometry.forecasts.metric import metric_at, value_at
from allometry.forecasts.next_runs import MOST_RUNS, next_runs
from allometry.forecasts.saturation import Saturation, saturation_of
from allometry.forecasts.simultaneous import together
from allometry.forecasts.splits import MOST_CUTS
from allometry.forecasts.stack import stack_forecast, stack_weights
from allometry.forecasts.tournament import Standing, Tournament, tournament
from allometry.forecasts.votes import Votes, votes_of
from allometry.forecasts.watch import watch

__all__ = [
    "CALIBRATED",
    "DISCREPANCY",
    "FIT_NOISE",
    "IN_A_ROW",
    "MOST_CUTS",
    "MOST_LOST",
    "MOST_RUNS",
    "Backtest",
    "Candidates",
    "Checkpoint",
    "Cluster",
    "ClusteredForecast",
    "Coverage",
    "Distance",
    "Extrapolation",
    "Forecast",
    "Forecasts",
    "NextRun",
    "NextRuns",
    "Of",
    "Saturation",
    "Standing",
    "Surroundings",
    "Through",
    "Tournament",
    "Votes",
    "Watch",
    "Word",
    "backtest",
    "buildable",
    "by_distance",
    "calibrated_draws",
    "coverage_of",
    "decades_beyond",
    "discrepancy",
    "forecast",
    "forecast_clustered",
    "forecast_through",
    "interval_label",
    "interval_of",
    "listed_candidates",
    "metric_at",
    "next_runs",
    "percent",
    "percentiles",
    "read_watched",
    "saturation_of",
    "stack_forecast",
    "stack_weights",
    "through_draws",
    "together",
    "tournament",
    "value_at",
    "votes_of",
    "watch",
    "widened",
]
