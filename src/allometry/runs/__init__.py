"""The table of measurements: reading, mapping, validating and describing it, and the embedded ladder."""

from allometry.runs.describe import AxisRange, Description, describe
from allometry.runs.embedded import embedded_ladder, embedded_provenance
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
    "Repeats",
    "Rows",
    "Runs",
    "Table",
    "describe",
    "embedded_ladder",
    "embedded_provenance",
    "find_repeats",
    "is_schedule_axis",
    "is_schedule_piece",
    "read_runs",
    "read_table",
    "schedule_axes",
]
