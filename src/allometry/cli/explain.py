"""`inspect` and `report`: what a fit knows, said to people."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allometry.cli import lifetimes
from allometry.cli.cost.options import Prices
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
from allometry.costs import compute_of, size_axis
from allometry.fits import Fit, diagnose
from allometry.forecasts import MOST_CUTS, Backtest, backtest, by_distance
from allometry.history import Ledger, ledger_path, read_ledger
from allometry.notices import Refused
from allometry.plans import default_quantities, plan

if TYPE_CHECKING:
    from allometry.reports import Format

BACKTEST_DRAWS = 200  # of each fit below a cut: enough for the share of measurements inside its intervals


def inspect(
    fit: FitName,
    format: Annotated[str | None, typer.Option(help="Only formula, parameters and method, for a paper: latex, markdown or csv.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Show everything a saved fit knows, its settings and its rows; or a table for a paper."""
    found = open_fit(fit)
    if format is not None:
        _print_table(found, format, json)
        return
    diagnosis = diagnose(found, default_quantities(found))
    settings = found.settings
    known = {
        "law_title": found.law.title, "source": found.law.source, "latex": found.law.latex(), "space": found.space,
        "seed": settings.seed, "bootstrap": settings.bootstrap, "cluster": settings.cluster, "fixed": dict(settings.fixed),
        "ties": dict(settings.ties), "fingerprint": found.rows.fingerprint, "versions": dict(found.versions),
        "reading": found.rows.reading.as_dict(), "ledger": _ledger_json(fit),
        "rows_used": found.rows.numbers.tolist(), "excluded": [{"row": r, "reason": why} for r, why in found.rows.excluded],
    }  # fmt: skip
    if json:
        print_json({**fit_json(found, diagnosis), **known})
        return
    show_fit(found, diagnosis)
    ledger = {name: count for name, count in known["ledger"].items() if count}
    told = ", ".join(f"{name} {count}" for name, count in ledger.items())
    shown = {
        **known,
        "reading": found.rows.reading.words,
        "ledger": told,
        "rows_used": f"{found.rows.count} of {found.rows.given}",
        "excluded": len(found.rows.excluded),
    }
    print_table("", ("", "value"), [(name, value) for name, value in shown.items() if value not in ("", None, {})])
    for name, meaning in found.conventions.items():
        print_lines(f"convention, {name}: {meaning}")


def _ledger_json(fit: str) -> dict[str, int]:
    """How much is in the ledger beside a saved fit."""
    kept = _ledger_of(fit)
    kinds = [said.kind for said in kept.said]
    return {"forecasts": kinds.count("forecast"), "plans": kinds.count("plan"), "checks": len(kept.checks)}


def _ledger_of(fit: str) -> Ledger:
    return read_ledger(ledger_path(fit)) if os.path.exists(fit) else Ledger()


def _print_table(found: Fit, format: str, json: bool) -> None:
    """The table as it is, for a file: no line is broken to the terminal's width."""
    from allometry.reports import TABLE_FORMATS, parameter_table

    if json:
        raise Refused("bad-option", "a table for a paper is no JSON", "--format", "leave out --json or --format")
    for known in TABLE_FORMATS:
        if known == format:
            typer.echo(parameter_table(found, known), nl=False)
            return
    mend = f"write {', '.join(TABLE_FORMATS)}"
    raise Refused("bad-format", f"{format!r} is no format of a table of parameters", "--format", mend)


def report(
    fit: FitName,
    out: Annotated[Path | None, typer.Option(help="The HTML file to write.")] = None,
    figures: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for each figure one column wide, with the CSV behind it.")] = None,
    format: Annotated[str | None, typer.Option(help="Of the figures: pdf (default), svg or png.")] = None,
    flops: PlanFlops = None, loss: PlanLoss = None, fix: Fix = None, at_most: AtMost = None, at_least: AtLeast = None, among: Among = None,
    hardware: lifetimes.TrainHardware = None, serve_hardware: lifetimes.ServeHardware = None, prices: Prices = None,
    prompt: lifetimes.Prompt = 512, generated: lifetimes.Generated = 256, serve_batch: lifetimes.ServeBatch = 32,
    tested: Annotated[bool, typer.Option("--backtest/--no-backtest", help="Fit the smaller runs again, to show how the law forecast the larger ones.")] = True,
    json: Json = False,
) -> None:  # fmt: skip
    """Write one self-contained page, figures for paper and slides, or both.

    The page holds fit, bands, residuals, influence, backtest, ledger and live sliders, with --flops or --loss the plan,
    under the same limits as allometry plan and what each costs; the figures are the same, 3.35 inches wide, without a
    browser. Laws of size and tokens have sliders of what training and serving cost over a life, at a price of FLOPs or
    with --hardware of device-hours.
    """
    from allometry.reports import write_figures, write_report

    chosen = _asked(out, figures, format)
    found = open_fit(fit)
    if flops is None and loss is None and (fix or at_most or at_least or among):
        raise Refused("no-budget", "limits are those of a plan, and no plan was asked for", "--flops, --loss",
                      "give its FLOPs or its loss")  # fmt: skip
    money = lifetimes.deployment(hardware, serve_hardware, prices, prompt, generated, serve_batch)
    if money is not None and (size_axis(found.law.axes) is None or "tokens" not in found.law.axes):
        raise Refused("no-allocation", f"{found.law.name} is a law of {', '.join(found.law.axes)}: costs over a life need size "
                      "and tokens", "--hardware", "leave it out")  # fmt: skip
    asked = asked_plan(flops, loss, fix, at_most, at_least, among)
    planned = None if flops is None and loss is None else plan(found, **asked)
    tests = own_backtest(found) if tested and len(found.rows) else ()
    with working("writing the report"):
        diagnosis = diagnose(found, default_quantities(found))
        path = (
            None
            if out is None
            else write_report(
                found, out, diagnosis=diagnosis, plan=planned, backtests=tests, ledger=_ledger_of(fit), money=money
            )
        )
        drawn = (
            ()
            if figures is None
            else write_figures(found, figures, format=chosen, diagnosis=diagnosis, plan=planned, backtests=tests)
        )
    if json:
        files = [{"name": each.name, "figure": str(each.figure), "data": str(each.data)} for each in drawn]
        print_json({"report": None if path is None else str(path), "figures": files, "backtest": _backtest_json(tests)})
        return
    if isinstance(tests, Refused):
        print_lines(f"no backtest: {tests.message}")
    if path is not None:
        print_lines(f"report written to {path}")
    if drawn:
        print_lines(
            f"{len(drawn)} figures, each with its CSV, written to {figures}: {', '.join(each.figure.name for each in drawn)}"
        )


def _asked(out: Path | None, figures: Path | None, format: str | None) -> Format:
    """The format of figures, once what was asked for can be."""
    from allometry.reports.paper.write import asked_format

    if out is None and figures is None:
        raise Refused(
            "nothing-asked",
            "neither a page nor figures were asked for",
            "report",
            "add --out FILE.html or --figures DIR",
        )
    if out is not None:
        check_out(out)
    return asked_format(figures, format)


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
