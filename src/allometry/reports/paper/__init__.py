"""The report's figures for paper and slides: the plotly figure is the description, matplotlib draws it at column width."""

from allometry.reports.paper.write import FORMATS, Format, Written, check_drawing, write_figures

__all__ = ["FORMATS", "Format", "Written", "check_drawing", "write_figures"]
