"""Write the report's figures for paper and slides, each with the table behind it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from allometry.fits import Diagnosis, Fit
from allometry.forecasts import Backtest, Forecast, Tournament
from allometry.notices import Refused
from allometry.plans import Plan
from allometry.reports.figures import figures
from allometry.reports.paper.draw import draw
from allometry.reports.paper.look import DOTS, SETTINGS
from allometry.reports.paper.panels import Drawing, drawing
from allometry.reports.paper.rows import figure_csv
from allometry.reports.results import Results
from allometry.reports.writing import write_whole

if TYPE_CHECKING:
    import plotly.graph_objects as go

Format: TypeAlias = Literal["pdf", "svg", "png"]
FORMATS: tuple[Format, ...] = ("pdf", "svg", "png")
# without the time of writing, so that the same fit gives the same file
_METADATA: Mapping[str, Mapping[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}


class Written(NamedTuple):
    """One figure: its name, its file and the table behind it."""

    name: str
    figure: Path
    data: Path


def write_figures(
    fit: Fit,
    folder: str | os.PathLike[str],
    *,
    format: Format = "pdf",
    diagnosis: Diagnosis | None = None,
    plan: Plan | None = None,
    forecasts: Sequence[Forecast] = (),
    backtests: Sequence[Backtest] | Refused = (),
    tournament: Tournament | None = None,
) -> tuple[Written, ...]:
    """Write each figure of the report one column wide (3.35 inches), as `NAME.FORMAT` with `NAME.csv` behind it.

    Use it for a paper or slides; `write_report` for a page to read. The figures are the page's own, drawn by matplotlib
    (the extra `figures`) without a browser, in Okabe and Ito's colours, or Viridis where groups have an order. The same
    fit gives the same bytes. All are drawn before the first is written, and each file appears whole.

    Arguments: as for `write_report`; the folder is made where it does not exist.
    Errors: `Refused` without matplotlib, for another format, where there is nothing to draw, and where a file cannot be
    written.

    >>> import tempfile
    >>> from allometry.fits import published_fit
    >>> from allometry.plans import plan
    >>> found = published_fit("chinchilla@epoch")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [made] = write_figures(found, folder, plan=plan(found, flops=1e21))
    ...     print(made.figure.name, made.data.name, made.data.read_text().splitlines()[0])
    region.pdf region.csv series,kind,x_axis,x,x_low,x_high,y_axis,y
    """
    if format not in FORMATS:
        raise Refused("bad-format", f"figures are not written as {format!r}", "--format", f"write {', '.join(FORMATS)}")
    check_drawing()
    tests = backtests if isinstance(backtests, Refused) else tuple(backtests)
    found = figures(fit, Results(diagnosis, plan, tuple(forecasts), tests, tournament))
    if not found:
        mend = "add a plan (--flops)" if plan is None else "see what `allometry plan` says of it"
        without = "there is no plan" if plan is None else "the plan has no region"
        raise Refused("no-figures", f"published constants have no runs to draw, and {without}", "--figures", mend)
    return write_drawings(found, folder, format)


def write_drawings(
    found: Mapping[str, go.Figure], folder: str | os.PathLike[str], format: Format = "pdf"
) -> tuple[Written, ...]:
    """The same of any figures by name."""
    drawings = {name: drawing(figure) for name, figure in found.items()}
    drawn = {name: _drawn(each, format) for name, each in drawings.items()}
    place = _made(Path(folder))
    return tuple(
        Written(
            name,
            write_whole(place / f"{name}.{format}", drawn[name], "the figure"),
            write_whole(place / f"{name}.csv", figure_csv(each).encode(), "the figure's table"),
        )
        for name, each in drawings.items()
    )


def asked_format(figures: Path | None, format: str | None) -> Format:
    """The format of the figures that were asked for, once it is known that they can be drawn.

    Errors: `Refused` for a format without figures, for another format, and without matplotlib.
    """
    if format is not None and figures is None:
        raise Refused("bad-option", "a format was given and no folder for figures", "--format", "add --figures DIR")
    for known in FORMATS:
        if known == (format or FORMATS[0]):
            if figures is not None:
                check_drawing()
            return known
    raise Refused("bad-format", f"figures are not written as {format!r}", "--format", f"write {', '.join(FORMATS)}")


def check_drawing() -> None:
    """Refuse where the drawing library is missing, before anything is spent on figures."""
    if find_spec("matplotlib") is None:
        mend = 'install the extra: pip install "allometry[figures]"'
        raise Refused("no-matplotlib", "figures for paper need matplotlib, which is not installed", "--figures", mend)


def _drawn(found: Drawing, format: Format) -> bytes:
    from matplotlib import rc_context

    contents = io.BytesIO()
    with rc_context(SETTINGS):
        draw(found).savefig(contents, format=format, dpi=DOTS, metadata=_METADATA[format])
    return contents.getvalue()


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder cannot be made: {error.strerror}"
        raise Refused("no-folder", message, str(folder), "choose another folder") from None
    return folder
