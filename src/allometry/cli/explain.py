"""`inspect` and `report`: what a fit knows, said to people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.fitting import fit_json, show_fit
from allometry.cli.options import FitName, Json, check_out, open_fit, quantities
from allometry.cli.output import print_json, print_lines, print_table
from allometry.expressions import parse_number
from allometry.fits import diagnose
from allometry.plans import default_quantities, plan


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
    flops: Annotated[str | None, typer.Option(help="Budget of the plan that the page shows.")] = None,
    fix: Annotated[list[str] | None, typer.Option(help="axis=value of the plan; repeatable.")] = None,
    json: Json = False,
) -> None:
    """Write one self-contained page: fit, bands, residuals, influence, plan and live sliders."""
    from allometry.reports import write_report

    check_out(out)
    found = open_fit(fit)
    planned = (
        None if flops is None else plan(found, flops=parse_number(flops, "--flops"), fixed=quantities(fix, "--fix"))
    )
    path = write_report(found, out, diagnosis=diagnose(found, default_quantities(found)), plan=planned)
    if json:
        print_json({"report": str(path)})
    else:
        print_lines(f"report written to {path}")
