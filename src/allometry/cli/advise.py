"""`allometry advise`: what an expert would say of a table, in order of effect."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from allometry.advice import LEVELS, Advice, Change, Finding, Study, default_settings, list_rules
from allometry.advice import advise as ask
from allometry.cli.options import Convention, Json, Map, MapFile, RowsRule, Seed, Table, Where, point_of, read_table
from allometry.cli.output import number, print_json, print_lines, progress
from allometry.expressions import parse_number
from allometry.laws import Law, find_law
from allometry.notices import Interval, Refused
from allometry.runs import Runs

SHOWN = 4  # changes of a finding that a terminal shows


def advise(
    table: Table,
    law: Annotated[str | None, typer.Option(help="Catalogue name, TOML file or formula text; by default chinchilla, or power in flops.")] = None,
    at: Annotated[str | None, typer.Option(help='Target point that advice is measured by, e.g. "params=7e9 tokens=2e12".')] = None,
    flops: Annotated[str | None, typer.Option(help="Target budget instead; by default ten times the largest compute.")] = None,
    others: Annotated[list[str] | None, typer.Option("--with", help="Table to be joined to this one: is any run in both? Repeatable.")] = None,
    map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None, convention: Convention = None,
    seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Check a table the way an expert would: what is wrong with it, what to do, and what that changes."""
    read = partial(read_table, table, map, map_file, where, conventions=convention)
    runs = read(rows=rows)
    chosen = find_law(law, axes=runs.columns) if law else default_law(runs)
    if at is not None and flops is not None:
        raise Refused("two-targets", "--at and --flops both name a target", "--flops", "give one of them")
    study = Study(
        runs, chosen, default_settings(seed), None if at is None else point_of(at, [chosen], "--at"),
        None if flops is None else parse_number(flops, "--flops"),
        tuple(read_table(other, map, map_file, where, rows, convention) for other in others or ()),
        lambda rule: read(rows=rule),
    )  # fmt: skip
    with progress("asking the rules", len(list_rules())) as tick:
        found = ask(study, tick)
    if json:
        print_json(advise_json(study, found))
    else:
        _show(study, found)


def default_law(runs: Runs) -> Law:
    """Chinchilla where the table has size, tokens and loss, else a power law in compute."""
    for name in ("chinchilla", "power"):
        law = find_law(name)
        if {*law.axes, law.metric} <= set(runs.columns):
            return law
    mend = "map its columns (--map params=N), or name a law for the axes it has: --law power"
    raise Refused("no-law", "the table has neither params, tokens and loss nor flops and loss", runs.source, mend)


def advise_json(study: Study, found: Advice) -> dict[str, Any]:
    """What `advise --json` says."""
    return {
        "table": study.runs.source, "usage": study.runs.usage, "law": study.law.name,
        "findings": [finding.as_json() for finding in found.findings],
        "worst": found.worst, "checked": list(found.checked),
        "target": {"at": None if study.at is None else dict(study.at), "flops": study.compute},
        "baseline": {
            name: {"value": value.value, "low": value.low, "high": value.high, "why": value.why}
            for name, value in found.baseline.items()
        },
        "interval": "fit noise only", "seed": study.settings.seed, "complete": study.fit is not None,
    }  # fmt: skip


def _show(study: Study, found: Advice) -> None:
    print_lines(f"{study.runs.source}: {study.runs.usage}; law {study.law.name}, {len(found.checked)} rules asked")
    for name, value in found.baseline.items():
        print_lines(f"as it is: {name} {_ends(value)}")
    counts = [f"{n} {level}{'s' if n > 1 and level != 'advice' else ''}"
              for level in LEVELS if (n := sum(f.level == level for f in found.findings))]  # fmt: skip
    print_lines("nothing found" if not counts else "found: " + ", ".join(counts))
    for place, finding in enumerate(found.findings, 1):
        _show_one(place, finding)
    if found.baseline:
        print_lines("", "intervals: 90%, fit noise only; each change is a refit after following that advice alone")


def _show_one(place: int, finding: Finding) -> None:
    print_lines("", f"{place}. {finding.level}: {finding.code}", f"   seen: {finding.evidence}", f"   do: {finding.do}")
    print_lines(*(f"   then: {_shown(change)}" for change in finding.effect[:SHOWN]))
    known = " (from memory)" if finding.source.status == "recalled" else ""
    print_lines(f"   why: {finding.source.text}{known}")


def _shown(change: Change) -> str:
    factor = "" if change.factor is None else f" (x{change.factor:.3g})"
    return f"{change.quantity}: {_ends(change.before)} -> {_ends(change.after)}{factor}"


def _ends(found: Interval) -> str:
    if found.value is None:
        return "no value"
    return number(found.value) + ("" if found.low is None else f" [{number(found.low)}, {number(found.high)}]")
