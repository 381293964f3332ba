"""Where runs are brought in from: one thin reader a kind of source, all behind one contract."""

from allometry.runs.sources.contract import Item, Record, Series, Source, foreign, needed
from allometry.runs.sources.find import SOURCES, find_source

__all__ = ["SOURCES", "Item", "Record", "Series", "Source", "find_source", "foreign", "needed"]
