"""Reports: a fit, its diagnosis, forecasts and plan as one self-contained page."""

from allometry.reports.report import write_report

__all__ = ["write_report"]
