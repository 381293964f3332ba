"""The table of measurements: reading, mapping, validating and describing it, and the embedded ladder."""

from allometry.runs.choices import Stages, choice_stages, compute_correlations, correlation_summary
from allometry.runs.describe import AxisRange, Description, describe
from allometry.runs.embedded import embedded_ladder, embedded_provenance
from allometry.runs.hyperparameters import is_hyperparameter
from allometry.runs.pass_until import PassRates, pass_until
from allometry.runs.preferences import StyleControl, style_controlled, style_reliance
from allometry.runs.read import read_runs
from allometry.runs.repeats import Repeats, find_repeats
from allometry.runs.rows import Excluded, Rows
from allometry.runs.runs import Runs
from allometry.runs.schedules import STEP, is_schedule_axis, is_schedule_piece, schedule_axes
from allometry.runs.tables import Table, read_table

__all__ = [
    "STEP",
    "AxisRange",
    "Description",
    "Excluded",
    "PassRates",
    "Repeats",
    "Rows",
    "Runs",
    "Stages",
    "StyleControl",
    "Table",
    "choice_stages",
    "compute_correlations",
    "correlation_summary",
    "describe",
    "embedded_ladder",
    "embedded_provenance",
    "find_repeats",
    "is_hyperparameter",
    "is_schedule_axis",
    "is_schedule_piece",
    "pass_until",
    "read_runs",
    "read_table",
    "schedule_axes",
    "style_controlled",
    "style_reliance",
]
