"""Write a report: one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from allometry.fits import Diagnosis, Fit
from allometry.forecasts import Backtest, Forecast, Tournament
from allometry.history import Ledger
from allometry.notices import Refused
from allometry.plans import Deployment, Plan
from allometry.reports.page import page
from allometry.reports.results import Results
from allometry.reports.writing import write_whole


def write_report(
    fit: Fit,
    path: str | os.PathLike[str],
    *,
    diagnosis: Diagnosis | None = None,
    plan: Plan | None = None,
    forecasts: Sequence[Forecast] = (),
    backtests: Sequence[Backtest] | Refused = (),
    tournament: Tournament | None = None,
    ledger: Ledger | None = None,
    money: Deployment | None = None,
) -> Path:
    """Write a fit and what followed from it as one page with figures and live sliders.

    Use it to show or keep a result; read numbers by program from the saved fit. The file is about
    5 MB, nearly all of it the drawing library, so that it opens without a network. It appears under
    `path` only when it is complete.

    Arguments: `diagnosis`, `plan` and `forecasts` of the same fit; `backtests` and `tournament` of laws on the table it
    was fitted to, where a backtest that was refused may stand as its refusal, so that the page says why there is none;
    `ledger` what the fit said before and how it came out; `money` the devices and prices that the panel of costs over a
    model's life starts from, by default a price of FLOPs.
    What is not given is left out.
    Errors: `Refused` where the file cannot be written.

    >>> import tempfile
    >>> from allometry.fits import published_fit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_report(published_fit("chinchilla@hoffmann"), Path(folder) / "report.html")
    ...     print(written.name, written.stat().st_size > 4_000_000)
    report.html True
    """
    tests = backtests if isinstance(backtests, Refused) else tuple(backtests)
    text = page(fit, Results(diagnosis, plan, tuple(forecasts), tests, tournament, ledger or Ledger(), money))
    return write_whole(Path(path), text.encode(), "the report")
