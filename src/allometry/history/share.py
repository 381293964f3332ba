"""A fit to hand on: with its rows or their fingerprint only, under its own names or none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allometry.fits import Fit
from allometry.history.anonymous import Aliases, anonymised, anonymous_ledger, still_named
from allometry.history.ledger import Ledger
from allometry.notices import Notice, Refused


@dataclass(frozen=True)
class Shared:
    """What is handed on: the fit, its ledger, what was replaced (counts by kind) and which own texts are still in it."""

    fit: Fit
    ledger: Ledger
    replaced: dict[str, int]
    left: dict[str, str]


def share(fitted: Fit, ledger: Ledger | None = None, *, with_rows: bool = True, anonymous: bool = False) -> Shared:
    """A copy of a fit and its ledger for someone else.

    With rows it can be fitted again and compared row by row; without them it holds the law, the parameters, their joint
    draws and the residuals in order of size, enough for forecasts of the curve and plans, and of the rows only their number
    and fingerprint. The ledger then loses what it says of single runs. `anonymous` replaces run names, paths and
    addresses; numbers and names of columns stay, so look at `left`. Neither hides the scale of the runs: parameters and
    forecasts tell it.
    Errors: `Refused` for a fit without rows that is to be handed on with them.

    >>> from allometry.fits import Settings, fit
    >>> from allometry.runs import read_runs
    >>> x = np.geomspace(1e18, 1e21, 9)
    >>> runs = read_runs({"run_id": list("abcdefghi"), "flops": x, "loss": 50 * x**-0.07 * (1 + 0.01 * np.sin(x))})
    >>> found = fit(runs, "A * flops**-a", Settings(bootstrap=0))
    >>> share(found, anonymous=True).fit.rows.names[:2]
    ('run-1', 'run-2')
    >>> bare = share(found, with_rows=False).fit.rows
    >>> len(bare), bare.count, bare.fingerprint == found.rows.fingerprint
    (0, 9, True)
    """
    if with_rows and fitted.rows.withheld is not None:
        raise Refused("no-rows-in-fit", fitted.rows_missing, "--with-rows", "hand it on with --fingerprint-only")
    ledger, aliases = ledger or Ledger(), Aliases()
    if anonymous:
        fitted, ledger = anonymised(fitted, aliases), anonymous_ledger(ledger, aliases)
    if not with_rows:
        fitted, ledger = _without_rows(fitted), ledger.without_rows()
    if not anonymous:
        return Shared(fitted, ledger, {}, {})
    counts = {"runs": len(aliases.runs), "texts": len(aliases.texts), "paths": aliases.paths, "urls": aliases.urls}
    return Shared(fitted, ledger, counts, still_named(fitted))


def _without_rows(fitted: Fit) -> Fit:
    if not len(fitted.rows):
        return fitted
    used = np.ones(len(fitted.rows), bool) if fitted.rows.weights is None else fitted.rows.weights > 0
    bare = replace(fitted, rows=fitted.rows.without_values(), residuals=np.sort(fitted.residuals[used]))
    notice = Notice(
        "rows-withheld",
        f"{bare.rows_missing}: forecasts cannot say how far outside them they are, plans cannot be tested",
    )
    return replace(bare, notices=(*bare.notices, notice))
