"""One figure as a page of its own that opens without a network."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from allometry.reports.style import INK
from allometry.reports.writing import write_whole

if TYPE_CHECKING:
    import plotly.graph_objects as go


def write_figure_page(figure: go.Figure, title: str, note: str, path: str | os.PathLike[str]) -> Path:
    """Write a figure under its title and a note on how to read it; `Refused` where the file cannot be written."""
    drawn = figure.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><body style="color:{INK};'
        f'font-family:system-ui,sans-serif;max-width:1000px;margin:auto"><h1>{escape(title)}</h1><p>{escape(note)}</p>{drawn}</body></html>'
    )
    return write_whole(Path(path), text.encode(), "the page")
