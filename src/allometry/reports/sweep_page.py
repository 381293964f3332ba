"""A page of a sweep: accuracy against cost, the rows, and strategies compared; without a prompt or an answer."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

from allometry.inference.sweeps import Results, Selected
from allometry.reports.selector_words import words
from allometry.reports.selectors import selector_figure
from allometry.reports.style import FONT, INK
from allometry.reports.views import figure, html
from allometry.reports.writing import write_whole

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ font: 15px/1.5 {font}; color: {ink}; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }}
.rows {{ overflow-x: auto; }}</style></head>
<body><h1>{title}</h1>{figure}<div class="rows">{rows}</div>{selectors}</body></html>
"""


def write_sweep_page(found: Results, path: str | os.PathLike[str], title: str) -> Path:
    """Write a sweep as one page that opens without a network (about 5 MB, nearly all of it the drawing library).

    Use it to look at a sweep or to hand it on: it holds names and numbers, no texts of prompts or answers.
    Errors: `Refused` where nothing was scored, and where the file cannot be written.
    """
    drawn = figure(found).to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    selectors = "".join(_selector(selected, found) for selected in found.selectors)
    text = _PAGE.format(title=escape(title), font=FONT, ink=INK, figure=drawn, rows=html(found), selectors=selectors)
    return write_whole(Path(path), text.encode(), "the page")


def _selector(selected: Selected, found: Results) -> str:
    """What a selector errs, in words and, where there is a curve, a picture."""
    several = len({row.engine for row in found.rows}) > 1
    who = f"{selected.strategy} on {found.name(selected.engine)}" if several else selected.strategy
    drawn = ""
    if selected.errors.best_of is not None:
        drawn = selector_figure(selected.errors).to_html(
            full_html=False, include_plotlyjs=False, config={"displaylogo": False}
        )
    told = "".join(f"<p>{escape(line)}</p>" for line in words(selected.errors))
    return f"<h2>The selector of {escape(who)}</h2>{told}{drawn}"
