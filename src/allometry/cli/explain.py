"""`inspect` and `report`: what a fit knows, said to people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.fitting import fit_json, show_fit
from allometry.cli.options import (
    Among,
    AtLeast,
    AtMost,
    FitName,
    Fix,
    Json,
    PlanFlops,
    PlanLoss,
    check_out,
    open_fit,
)
from allometry.cli.output import print_json, print_lines, print_table, progress, working
from allometry.cli.plans import asked_plan
from allometry.costs import compute_of
from allometry.fits import Fit, diagnose
from allometry.forecasts import MOST_CUTS, Backtest, backtest, by_distance
from allometry.notices import Refused
from allometry.plans import default_quantities, plan

BACKTEST_DRAWS = 200  # of each fit below a cut: enough for the share of measurements inside its intervals


def inspect(fit: FitName, json: Json = False) -> None:
    """Show everything a saved fit knows, its settings and its rows."""
    found = open_fit(fit)
    diagnosis = diagnose(found, default_quantities(found))
    settings = found.settings
    known = {
        "law_title": found.law.title, "source": found.law.source, "latex": found.law.latex(), "space": found.space,
        "seed": settings.seed, "bootstrap": settings.bootstrap, "cluster": settings.cluster, "fixed": dict(settings.fixed),
        "ties": dict(settings.ties), "fingerprint": found.rows.fingerprint, "versions": dict(found.versions),
        "rows_used": found.rows.numbers.tolist(), "excluded": [{"row": r, "reason": why} for r, why in found.rows.excluded],
    }  # fmt: skip
    if json:
        print_json({**fit_json(found, diagnosis), **known})
        return
    show_fit(found, diagnosis)
    shown = {**known, "rows_used": f"{len(found.rows)} of {found.rows.given}", "excluded": len(found.rows.excluded)}
    print_table("", ("", "value"), [(name, value) for name, value in shown.items() if value not in ("", None, {})])
    for name, meaning in found.conventions.items():
        print_lines(f"convention, {name}: {meaning}")


def report(
    fit: FitName,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    flops: PlanFlops = None, loss: PlanLoss = None, fix: Fix = None, at_most: AtMost = None, at_least: AtLeast = None, among: Among = None,
    tested: Annotated[bool, typer.Option("--backtest/--no-backtest", help="Fit the smaller runs again, to show how the law forecast the larger ones.")] = True,
    json: Json = False,
) -> None:  # fmt: skip
    """Write one self-contained page: fit, bands, residuals, influence, backtest, sliders; with --flops or --loss the plan.

    The plan takes the same limits as allometry plan, and shows what each costs.
    """
    from allometry.reports import write_report

    check_out(out)
    found = open_fit(fit)
    if flops is None and loss is None and (fix or at_most or at_least or among):
        raise Refused("no-budget", "limits are those of a plan, and no plan was asked for", "--flops, --loss",
                      "give its FLOPs or its loss")  # fmt: skip
    asked = asked_plan(flops, loss, fix, at_most, at_least, among)
    planned = None if flops is None and loss is None else plan(found, **asked)
    tests = own_backtest(found) if tested and len(found.rows) else ()
    with working("writing the report"):
        diagnosis = diagnose(found, default_quantities(found))
        path = write_report(found, out, diagnosis=diagnosis, plan=planned, backtests=tests)
    if json:
        print_json({"report": str(path), "backtest": _backtest_json(tests)})
        return
    if isinstance(tests, Refused):
        print_lines(f"no backtest: {tests.message}")
    print_lines(f"report written to {path}")


def own_backtest(found: Fit) -> tuple[Backtest, ...] | Refused:
    """The law of a fit on its own rows, cut along their compute or else their first axis; the refusal where they allow none."""
    along = found.law.axes[0] if compute_of(found.rows.axes) is None else "flops"
    settings = replace(found.settings, bootstrap=min(found.settings.bootstrap, BACKTEST_DRAWS))
    with progress("fitting below the cuts", MOST_CUTS) as tick:
        try:
            return backtest(found.rows, [found.law], settings, along=along, tick=tick)
        except Refused as refused:
            return refused


def _backtest_json(tests: tuple[Backtest, ...] | Refused) -> dict[str, Any] | None:
    """Errors by distance, or why there are none; None where no backtest was asked for."""
    if isinstance(tests, Refused):
        return {"by_distance": [], "why": tests.message}
    return {"by_distance": [bin.as_json() for bin in by_distance(tests[0])], "why": ""} if tests else None
