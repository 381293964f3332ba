"""What a fit says about runs not yet made: values, intervals, and how far from the data they are."""

from allometry.forecasts.backtest import Backtest, Distance, backtest, by_distance
from allometry.forecasts.chain import Through, forecast_through
from allometry.forecasts.clustered import Cluster, ClusteredForecast, forecast_clustered
from allometry.forecasts.extrapolation import Extrapolation, Surroundings, Word
from allometry.forecasts.forecast import Forecast, Of, forecast
from allometry.forecasts.intervals import FIT_NOISE, MOST_LOST, interval_label, interval_of, percentiles
from allometry.forecasts.metric import metric_at, value_at
from allometry.forecasts.splits import MOST_CUTS
from allometry.forecasts.stack import stack_forecast, stack_weights
from allometry.forecasts.tournament import Standing, Tournament, tournament

__all__ = [
    "FIT_NOISE",
    "MOST_CUTS",
    "MOST_LOST",
    "Backtest",
    "Cluster",
    "ClusteredForecast",
    "Distance",
    "Extrapolation",
    "Forecast",
    "Of",
    "Standing",
    "Surroundings",
    "Through",
    "Tournament",
    "Word",
    "backtest",
    "by_distance",
    "forecast",
    "forecast_clustered",
    "forecast_through",
    "interval_label",
    "interval_of",
    "metric_at",
    "percentiles",
    "stack_forecast",
    "stack_weights",
    "tournament",
    "value_at",
]
