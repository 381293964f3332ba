"""The look on paper: one column wide, type no smaller than six points, colours as on the page."""

from __future__ import annotations

import textwrap
from typing import Any

WIDTH = 3.35  # inches: one column of the common two-column styles
TEXT, SMALL = 7.0, 6.5  # points at that width
ROW, ONE_ROW = 1.45, 2.35  # inches of height of a line of panels, and of a single panel
NAMED_LINE, NAMED_MORE, NAMED_ROOM = (
    0.24,
    0.11,
    0.62,
)  # inches of a named row, each further line of its name, and around them
POINTS = 0.5  # points on paper of a pixel on the page
DOTS = 600  # of a PNG to the inch: sharp on a slide as well
_CHARACTERS = 17.0  # of text to the inch at this size, by measure, rather few

SETTINGS: Any = {
    "font.family": "DejaVu Sans", "font.size": TEXT, "axes.titlesize": TEXT, "axes.labelsize": TEXT,
    "xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "legend.fontsize": SMALL, "legend.title_fontsize": SMALL,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "figure.constrained_layout.w_pad": 0.03, "figure.constrained_layout.h_pad": 0.03,
    "text.parse_math": False,  # names come from tables: a dollar sign is a dollar sign
    "pdf.fonttype": 42, "svg.hashsalt": "allometry", "lines.solid_capstyle": "butt",  # whole fonts, and the same file from the same fit
}  # fmt: skip


def colour(text: str, opacity: float = 1.0) -> tuple[float, float, float, float]:
    """A colour of the page, `#rrggbb`, `rgb(...)` or `rgba(...)`, as shares of one.

    >>> colour("rgba(0,114,178, 0.5)")[3], colour("#ffffff", 0.25)
    (0.5, (1.0, 1.0, 1.0, 0.25))
    """
    if text.startswith("#"):
        red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return red, green, blue, opacity
    parts = [float(part) for part in text[text.index("(") + 1 : -1].split(",")]
    red, green, blue = (part / 255 for part in parts[:3])
    return red, green, blue, opacity * (parts[3] if len(parts) > 3 else 1.0)


def wrapped(text: str, inches: float) -> str:
    """A text in lines that fit a width.

    >>> wrapped("predicted over measured", 1.0)
    'predicted over\\nmeasured'
    """
    most = max(int(inches * _CHARACTERS), 8)
    return "\n".join(part for line in text.split("\n") for part in (textwrap.wrap(line, most) or [""]))
