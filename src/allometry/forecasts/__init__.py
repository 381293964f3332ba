"""What a fit says about runs not yet made: values, intervals, and how far from the data they are."""

from allometry.forecasts.extrapolation import Extrapolation, Surroundings, Word
from allometry.forecasts.forecast import Forecast, Of, forecast
from allometry.forecasts.intervals import FIT_NOISE, MOST_LOST, interval_label, interval_of, percentiles
from allometry.forecasts.metric import metric_at, value_at

__all__ = [
    "FIT_NOISE",
    "MOST_LOST",
    "Extrapolation",
    "Forecast",
    "Of",
    "Surroundings",
    "Word",
    "forecast",
    "interval_label",
    "interval_of",
    "metric_at",
    "percentiles",
    "value_at",
]
