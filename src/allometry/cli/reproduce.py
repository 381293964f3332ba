"""`allometry reproduce`: published tables in, published figures out, and what was left out for want of its table."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import Json
from allometry.cli.output import print_json, print_lines, print_table, progress
from allometry.notices import Refused
from allometry.reproduction import FIGURES, Check, Made, Report, Skipped, Suite, find_table, make_table, prepare

UNMET = 3


def reproduce(
    name: Annotated[str | None, typer.Argument(help="One table by name, or figures; all without it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the tables; by default the one ALLOMETRY_DATA names.")] = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="CHECKOUT", help="Make the table from a checkout of its source first.")] = None,
    fail_if: Annotated[str | None, typer.Option(help="unmet: end with status 3 when a figure is not met.")] = None,
    json: Json = False,
) -> int:  # fmt: skip
    """Check published constants and errors on the tables they were published with."""
    if fail_if not in (None, "unmet"):
        raise Refused("bad-option", f"{fail_if!r} is nothing to fail on", "--fail-if", "write --fail-if unmet")
    named = os.environ.get("ALLOMETRY_DATA")
    folder = data or (Path(named) if named else None)
    made = None if source is None else _make(name, source, folder)
    suite = prepare(name, folder) if made is None or made.same else _unusable(made)
    with progress("checking", len(suite.jobs)) as tick:
        report = suite.run(tick)
    if json:
        print_json(_as_json(report, made))
    else:
        _show(report, made, in_full=name is not None)
    return UNMET if fail_if and report.unmet else 0


def _make(name: str | None, source: Path, folder: Path | None) -> Made:
    if name is None:
        raise Refused("no-table", "no table was named", "--from", "write allometry reproduce NAME --from CHECKOUT")
    if folder is None:
        raise Refused("no-folder", "no folder was named to write to", "--data", "add --data DIR")
    return make_table(name, source, folder)


def _unusable(made: Made) -> Suite:
    why = f"the table made from this checkout is not the published one: its sha256 is {made.sha256}"
    return Suite((), (Skipped(made.name, why),))


def _as_json(report: Report, made: Made | None) -> dict[str, Any]:
    written = None if made is None else {**made._asdict(), "path": str(made.path)}
    return {
        "checks": [check.as_json() for check in report.checks],
        "skipped": [skipped._asdict() for skipped in report.skipped],
        "tables": {name: _source(name) for name in _tables(report)},
        "counts": {"checks": len(report.checks), "unmet": len(report.unmet), "skipped": len(report.skipped)},
        **({"made": written} if written else {}),
    }


def _tables(report: Report) -> list[str]:
    """The tables that were checked, in order."""
    return [name for name in dict.fromkeys(check.name.split("/")[0] for check in report.checks) if name != FIGURES]


def _source(name: str) -> dict[str, Any]:
    return {key: value for key, value in asdict(find_table(name)).items() if key != "name"}


def _show_source(name: str) -> None:
    table = find_table(name)
    print_lines(
        f"{name}: {table.title}", f"{table.paper}; {table.repository} at {table.commit}, licence: {table.licence}"
    )
    print_lines(f"{table.rows} rows, sha256 {table.sha256}", table.notes)


def _show(report: Report, made: Made | None, in_full: bool) -> None:
    if made is not None:
        is_it = "it is the published table" if made.same else "it is not the published table"
        print_lines(f"written to {made.path}, sha256 {made.sha256}: {is_it}")
    if in_full:
        for name in _tables(report):
            _show_source(name)
        _show_checks("figures", report.checks)
    else:
        _show_groups(report.checks)
        _show_checks("figures that are not met", report.unmet)
    _show_reasons(report.checks)
    for skipped in report.skipped:
        print_lines(f"skipped {skipped.name}: {skipped.why}")
    met = len(report.checks) - len(report.unmet)
    print_lines(
        f"{met} of {len(report.checks)} figures met, {len(report.unmet)} not; {len(report.skipped)} tables skipped"
    )


def _show_groups(checks: Iterable[Check]) -> None:
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.name.split("/")[0], []).append(check)
    kinds = ("published", "differs", "measured")
    rows = [
        (name, len(group), sum(check.met for check in group), *(sum(check.kind == kind for check in group) for kind in kinds))
        for name, group in groups.items()
    ]  # fmt: skip
    print_table("", ("table", "figures", "met", *kinds), rows)
    print_lines(
        "published: held to the printed figure; differs: to what the published data give, which is another figure;"
    )
    print_lines(
        "measured: to what another program found on the same data, or was computed by hand, for nothing is printed"
    )


def _show_checks(title: str, checks: Iterable[Check]) -> None:
    rows = [
        (check.name.partition("/")[2], f"{check.ours:.7g}", *map(_digits, (check.published, check.expected)), f"{check.tolerance:.1g}", "yes" if check.met else "NO")
        for check in checks
    ]  # fmt: skip
    if rows:
        print_table(title, ("figure", "ours", "published", "held to", "within", "met"), rows)


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.7g}"


def _show_reasons(checks: Iterable[Check]) -> None:
    """Where the published data do not give the published figure: both, and why, each reason once."""
    reasons: dict[str, list[str]] = {}
    for check in checks:
        if check.kind == "differs":
            name = check.name.partition("/")[0]
            reasons.setdefault(f"{name}: {check.why}", []).append(
                f"{check.quantity} {check.ours:.5g} for {check.published:.5g}"
            )
    for why, figures in reasons.items():
        print_lines(f"not as published, {why} (ours for theirs: {'; '.join(figures)})")
