"""What results have in common in a notebook: they show themselves, plot themselves, and give their rows as a frame.

The views are drawn by the room `reports`, above every result. A room never imports what lies above it, so the views
are found by name, and only when something is shown: this is the one place that names them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from allometry.notices import Refused

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped, unused-ignore]
    import plotly.graph_objects
    import polars

VIEWS = "allometry.reports.views"


class Shown:
    """A result that shows itself in a notebook; `allometry.reports.views` says how, by its type."""

    def _repr_html_(self) -> str:
        return str(import_module(VIEWS).html(self))

    def plot(self) -> plotly.graph_objects.Figure:
        """The figure of this result, as the report draws it.

        Use it to look; `allometry.reports.write_figures` writes figures for paper.
        Errors: `Refused` where there is nothing to draw, with the reason.
        """
        figure: plotly.graph_objects.Figure = import_module(VIEWS).figure(self)
        return figure


class Tabled(Shown, ABC):
    """A result with rows: the same numbers as its JSON, one column a name."""

    @abstractmethod
    def as_columns(self) -> Mapping[str, Sequence[Any]]:
        """The rows (n,) by column."""

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars frame; a column without any number is of floats that are missing."""
        import polars as pl

        frame = pl.DataFrame({name: list(values) for name, values in self.as_columns().items()})
        return frame.with_columns(pl.col(pl.Null).cast(pl.Float64))

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas frame; needs pandas installed."""
        return pandas_frame(self.to_polars().to_dict(as_series=False))


def pandas_frame(columns: Mapping[str, Any], **how: Any) -> pandas.DataFrame:
    """A pandas frame of columns; Refused, with the way to get it, where pandas is missing."""
    try:
        import pandas as pd
    except ImportError:
        mend = "pip install pandas, or use to_polars()"
        raise Refused("no-pandas", "a pandas frame needs pandas, which is not installed", "to_pandas", mend) from None
    return pd.DataFrame(dict(columns), **how)
