"""Reports: a fit, its diagnosis, forecasts and plan as one self-contained page, or as figures for paper and slides."""

from allometry.reports.method import method
from allometry.reports.paper import FORMATS, Format, Written, check_drawing, write_figures
from allometry.reports.parameter_table import TABLE_FORMATS, TableFormat, parameter_table
from allometry.reports.report import write_report

__all__ = [
    "FORMATS", "TABLE_FORMATS", "Format", "TableFormat", "Written", "check_drawing", "method", "parameter_table", "write_figures", "write_report",
]  # fmt: skip
