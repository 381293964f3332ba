"""`laws` and `evaluate`: the catalogue, one law in full, and a law's value at given constants."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

import typer

from allometry.cli.options import Json, point, quantities
from allometry.cli.output import number, print_json, print_lines, print_table
from allometry.laws import Law, find_law, laws_on, list_laws, published
from allometry.notices import Refused


def law_json(law: Law) -> dict[str, Any]:
    """What `laws --json` says of one law."""
    return {
        "name": law.name, "title": law.title, "formula": law.formula.text.strip(), "latex": law.latex(), "axes": list(law.axes),
        "metric": law.metric, "subject": law.subject, "source": law.source, "status": law.status,
        "provisional": law.provisional, "papers": list(law.papers), "use": law.use, "avoid": law.avoid,
        "min_runs": law.min_runs, "space": law.space,
        "axis": {name: {"unit": law.axis(name).unit, "meaning": law.axis(name).meaning} for name in law.axes},
        "parameters": [{"name": p.name, "meaning": p.meaning, "unit": p.unit, "low": p.low, "high": p.high} for p in law.parameters],
        "published": {
            key: {"values": dict(c.values), "source": c.source, "where": c.where, "status": c.status,
                  "conventions": dict(c.conventions), "note": c.note}
            for key, c in law.published.items()
        },
        "figures": [{"name": f.name, "value": f.value, "ours": law.figure(f), "within": f.within, "where": f.where, "computed": f.computed} for f in law.figures],
    }  # fmt: skip


def laws(
    name: Annotated[str | None, typer.Argument(help="A law to show in full: a name, or a TOML file.")] = None,
    axis: Annotated[str | None, typer.Option(help="Only laws that take or predict it, e.g. learning_rate.")] = None,
    json: Json = False,
) -> None:
    """List the catalogue by subject, or show one law with its formula, constants, source and limits."""
    if name is not None and axis is not None:
        raise Refused("two-searches", "a law was named and an axis was given", "laws", "give one of the two")
    if name is not None:
        chosen: tuple[Law, ...] = (find_law(name),)
    else:
        chosen = list_laws() if axis is None else laws_on(axis)
    if json:
        print_json({"laws": [law_json(law) for law in chosen]})
    elif name is None:
        _show_catalogue(chosen)
    else:
        _show_law(chosen[0])


def _show_catalogue(chosen: Sequence[Law]) -> None:
    for subject, group in groupby(chosen, key=lambda law: law.subject):
        rows = [(law.name, f"{law.title} ({_takes(law)})") for law in group]
        print_table(subject, ("law", "what it says (axes -> metric; constants)"), rows, prose=True)
        print_lines("")
    print_lines(f"{len(chosen)} laws; `allometry laws NAME` shows one, `allometry laws --axis NAME` searches by axis")


def _takes(law: Law) -> str:
    constants = f"; {len(law.published)} published" if law.published else "; provisional" if law.provisional else ""
    return f"{' '.join(law.axis_names)} -> {law.metric}{constants}"


def _show_law(law: Law) -> None:
    print_lines(f"{law.name}: {law.title}", law.equation, f"LaTeX: {law.latex()}")
    form = f"{law.status}{', provisional: only an abstract was seen' if law.provisional else ''}"
    print_lines(f"subject: {law.subject}; source: {law.source} (form: {form or 'not stated'})")
    print_lines(*(f"answers: {paper}" for paper in law.papers))
    print_lines(f"use: {law.use}", f"avoid, fails at: {law.avoid}", f"needs {law.needs}")
    axes = {name: law.axis(name if name in law.axes else f"{name}_1") for name in law.axis_names}
    known = [(name, axis.unit, axis.meaning) for name, axis in {**axes, law.metric: law.axis(law.metric)}.items()]
    print_table("", ("axis", "unit", "meaning"), known, prose=True)
    print_table("", ("parameter", "unit", "meaning"), [(p.name, p.unit, p.meaning) for p in law.parameters], prose=True)
    for key, constants in law.published.items():
        values = ", ".join(f"{n} {number(v)}" for n, v in constants.values.items())
        print_lines(
            f"published, {law.name}@{key} ({constants.status}): {values}; {constants.source}, {constants.where}"
        )
    for figure in law.figures:
        print_lines(
            f"figure, {figure.name}: {number(law.figure(figure))} here, {number(figure.value)} in {figure.where}"
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
