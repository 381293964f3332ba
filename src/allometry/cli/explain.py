"""`inspect`, `laws`, `evaluate` and `report`: what is known, said to people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.fitting import fit_json, show_fit
from allometry.cli.options import FitName, Json, check_out, open_fit, point, quantities
from allometry.cli.output import number, print_json, print_lines, print_table
from allometry.expressions import parse_number
from allometry.fits import diagnose
from allometry.laws import Law, find_law, list_laws, published
from allometry.notices import Refused
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


def law_json(law: Law) -> dict[str, Any]:
    """What `laws --json` says of one law."""
    return {
        "name": law.name, "title": law.title, "formula": law.formula.text.strip(), "latex": law.latex(), "axes": list(law.axes),
        "metric": law.metric, "subject": law.subject, "source": law.source, "use": law.use, "avoid": law.avoid,
        "min_runs": law.min_runs,
        "parameters": [{"name": p.name, "meaning": p.meaning, "unit": p.unit, "low": p.low, "high": p.high} for p in law.parameters],
        "published": {
            key: {"values": dict(c.values), "source": c.source, "where": c.where, "status": c.status,
                  "conventions": dict(c.conventions), "note": c.note}
            for key, c in law.published.items()
        },
    }  # fmt: skip


def laws(name: Annotated[str | None, typer.Argument(help="A law to show in full.")] = None, json: Json = False) -> None:
    """List the catalogue, or show one law with its parameters, constants and source."""
    chosen = list_laws() if name is None else (find_law(name),)
    if json:
        print_json({"laws": [law_json(law) for law in chosen]})
    elif name is None:
        print_table(
            "",
            ("law", "axes", "published", "title"),
            [(law.name, " ".join(law.axes), " ".join(law.published), law.title) for law in chosen],
        )
    else:
        _show_law(chosen[0])


def _show_law(law: Law) -> None:
    print_lines(
        f"{law.name}: {law.title}",
        f"{law.metric} = {law.formula.text.strip()}",
        f"axes: {', '.join(law.axes)}; subject: {law.subject}",
    )
    print_lines(f"source: {law.source}", f"use: {law.use}", f"avoid: {law.avoid}", f"needs {law.min_runs} runs or more")
    print_table("", ("parameter", "unit", "meaning"), [(p.name, p.unit, p.meaning) for p in law.parameters])
    for key, constants in law.published.items():
        values = ", ".join(f"{n} {number(v)}" for n, v in constants.values.items())
        print_lines(
            f"published, {law.name}@{key} ({constants.status}): {values}; {constants.source}, {constants.where}"
        )


def evaluate(
    law: Annotated[str, typer.Argument(help="Catalogue name, LAW@KEY, TOML file or formula text.")],
    at: Annotated[list[str], typer.Option(help="Point, e.g. 'params=7e9 tokens=2e12'; repeatable.")],
    values: Annotated[str | None, typer.Option("--with", help="Constants, e.g. 'E=1.7 A=400'.")] = None,
    published_key: Annotated[str | None, typer.Option("--published", help="Key of published constants.")] = None,
    json: Json = False,
) -> None:
    """Evaluate a law at a point for given or published constants."""
    points = [point(text) for text in at]
    chosen, constants, provenance = _constants(law, values, published_key, points)
    results = [
        float(chosen.evaluate(constants, {name: [value] for name, value in where.items()})[0]) for where in points
    ]
    if json:
        print_json(
            {
                "law": chosen.name,
                "value": results[0],
                "values": results,
                "at": points,
                "constants": constants,
                "provenance": provenance,
            }
        )
    else:
        print_table(f"{chosen.metric} by {chosen.name}, constants {provenance}", (*chosen.axes, chosen.metric),
                    [(*(number(where[a]) for a in chosen.axes), f"{value:.6g}") for where, value in zip(points, results, strict=True)])  # fmt: skip


def _constants(
    law: str, values: str | None, key: str | None, points: list[dict[str, float]]
) -> tuple[Law, dict[str, float], str]:
    if key is not None and "@" in law:
        raise Refused("two-keys", f"{law} already names its constants", "--published", "give the key once")
    if key is not None or ("@" in law and values is None):
        chosen, constants = published(law if "@" in law else f"{law}@{key}")
        return chosen, dict(constants.values), f"published: {constants.source}"
    if values is None:
        raise Refused(
            "no-constants", "no constants were given", "evaluate", "add --with 'E=1.7 A=400 ...' or --published KEY"
        )
    return find_law(law, axes=points[0]), quantities(values.replace(",", " ").split(), "--with"), "given"


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
