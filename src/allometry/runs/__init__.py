"""The table of measurements: reading, mapping, validating and describing it, and the embedded ladder."""

from allometry.runs.changes import Changes, Pair, row_changes, row_marks
from allometry.runs.choices import Stages, choice_stages, compute_correlations, correlation_summary
from allometry.runs.conventions import HIDDEN_PATH, HIDDEN_URL, NOT_STATED, counted_differently
from allometry.runs.describe import AxisRange, Description, describe
from allometry.runs.embedded import EMBEDDED, embedded_provenance
from allometry.runs.hyperparameters import is_hyperparameter
from allometry.runs.imports import Imported, import_runs
from allometry.runs.ladder import embedded_ladder
from allometry.runs.pass_at import pass_at_k, share_interval
from allometry.runs.pass_until import PassRates, pass_until
from allometry.runs.preferences import StyleControl, style_controlled, style_reliance
from allometry.runs.read import read_runs
from allometry.runs.reading import Reading
from allometry.runs.repeats import Repeats, find_repeats
from allometry.runs.rows import Excluded, Rows, Withheld
from allometry.runs.runs import Runs
from allometry.runs.sample_counts import SampleCounts, count_sample_groups, count_samples
from allometry.runs.schedules import STEP, is_schedule_axis, is_schedule_piece, schedule_axes
from allometry.runs.selection import STATES
from allometry.runs.tables import Table, read_table

__all__ = [
    "EMBEDDED",
    "HIDDEN_PATH",
    "HIDDEN_URL",
    "NOT_STATED",
    "STATES",
    "STEP",
    "AxisRange",
    "Changes",
    "Description",
    "Excluded",
    "Imported",
    "Pair",
    "PassRates",
    "Reading",
    "Repeats",
    "Rows",
    "Runs",
    "SampleCounts",
    "Stages",
    "StyleControl",
    "Table",
    "Withheld",
    "choice_stages",
    "compute_correlations",
    "correlation_summary",
    "count_sample_groups",
    "count_samples",
    "counted_differently",
    "describe",
    "embedded_ladder",
    "embedded_provenance",
    "find_repeats",
    "import_runs",
    "is_hyperparameter",
    "is_schedule_axis",
    "is_schedule_piece",
    "pass_at_k",
    "pass_until",
    "read_runs",
    "read_table",
    "row_changes",
    "row_marks",
    "schedule_axes",
    "share_interval",
    "style_controlled",
    "style_reliance",
]
