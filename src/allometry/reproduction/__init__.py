"""Reproduction: published tables in, published constants and errors out, each with a tolerance and a reason.

The tables themselves are not in the package: `make_table` makes them from their sources, and a table counts only when
its bytes are the published ones. Figures that follow from a law's constants alone need no table.
"""

from allometry.reproduction.check import Check
from allometry.reproduction.making import Made, make_table
from allometry.reproduction.suite import FIGURES, Report, Skipped, Suite, prepare
from allometry.reproduction.table import Table, find_table, table_names

__all__ = [
    "FIGURES",
    "Check",
    "Made",
    "Report",
    "Skipped",
    "Suite",
    "Table",
    "find_table",
    "make_table",
    "prepare",
    "table_names",
]
