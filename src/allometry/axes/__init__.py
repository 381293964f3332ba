"""The vocabulary: every axis and metric by its standard name, symbol, unit and counting convention.

What it holds: names and what they mean, the units a loss can carry with their exact
conversions, and hints that turn a missing name into the column a table probably means.
What it refuses: synonyms. A column called `N` is never taken for `params` unasked.
"""

from allometry.axes.hints import likely_columns, nearest_names
from allometry.axes.losses import LOSS_UNITS, convert_loss, loss_unit, per_token
from allometry.axes.vocabulary import AXES, Axis, Kind, axis

__all__ = [
    "AXES",
    "LOSS_UNITS",
    "Axis",
    "Kind",
    "axis",
    "convert_loss",
    "likely_columns",
    "loss_unit",
    "nearest_names",
    "per_token",
]
