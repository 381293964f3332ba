"""Reports: a fit, its diagnosis, forecasts and plan as one self-contained page, or as figures for paper and slides."""

from allometry.reports.paper import FORMATS, Format, Written, check_drawing, write_figures
from allometry.reports.report import write_report

__all__ = ["FORMATS", "Format", "Written", "check_drawing", "write_figures", "write_report"]
