"""Figures as a page of their own that opens without a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from allometry.reports.style import FONT, INK
from allometry.reports.writing import write_whole

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ font: 15px/1.5 {font}; color: {ink}; max-width: 1000px; margin: auto; padding: 0 1rem; }}</style></head>
<body><h1>{title}</h1>{parts}</body></html>
"""


class Part(NamedTuple):
    """A figure of a page, under a title of its own and with a note on how to read it."""

    figure: go.Figure
    title: str
    note: str


def write_figure_page(figure: go.Figure, title: str, note: str, path: str | os.PathLike[str]) -> Path:
    """Write a figure under its title and a note on how to read it; `Refused` where the file cannot be written."""
    return write_figures_page([Part(figure, "", note)], title, path)


def write_figures_page(
    parts: Sequence[Part], title: str, path: str | os.PathLike[str], told: Sequence[str] = ()
) -> Path:
    """Write several figures, one below another, and below them what is `told`; `Refused` where the file cannot be written."""
    drawn = "".join(_drawn(part, first=i == 0) for i, part in enumerate(parts))
    drawn += "".join(f"<p>{escape(line)}</p>" for line in told)
    return write_whole(
        Path(path), _PAGE.format(title=escape(title), font=FONT, ink=INK, parts=drawn).encode(), "the page"
    )


def _drawn(part: Part, *, first: bool) -> str:
    head = f"<h2>{escape(part.title)}</h2>" if part.title else ""
    config = {"displaylogo": False, "responsive": True}
    drawn = part.figure.to_html(full_html=False, include_plotlyjs=first, config=config)
    return f"{head}<p>{escape(part.note)}</p>{drawn}"
