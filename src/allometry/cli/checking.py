"""`check`: what a fit's ledger holds, scored against runs that finished since."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import Convention, FitName, Json, Map, MapFile, Table, Where, assignments, mapping_of
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table
from allometry.fits import load_fit
from allometry.history import WITHIN, Check, Checked, Said, append, ledger_path, read_ledger
from allometry.history import check as check_ledger
from allometry.notices import Notice, Refused
from allometry.plans import percent
from allometry.runs import read_runs

OUTSIDE = 3


def check(
    fit: FitName, table: Table,
    map: Map = None, map_file: MapFile = None, where: Where = None, convention: Convention = None,
    within: Annotated[float, typer.Option(help="Share by which a run may differ from the forecast's point in any axis.")] = WITHIN,
    record: Annotated[bool, typer.Option("--record/--no-record", help="Add the scores to the ledger.")] = True,
    fail_if: Annotated[str | None, typer.Option(help="outside: end with status 3 when a run is outside its interval.")] = None,
    json: Json = False,
) -> int:  # fmt: skip
    """Score the forecasts and plans in a fit's ledger against finished runs, and add the scores to it.

    A run answers a forecast that was made for its place, to within rounding; the forecast is moved to the run's own place
    by the law's slopes. It is judged by the interval for one new run. Columns are mapped as when the fit was made, unless
    they are mapped here. Rows that the fit was made from are no test and are passed over.
    """
    if fail_if not in (None, "outside"):
        raise Refused("bad-option", f"{fail_if!r} is nothing to fail on", "--fail-if", "write --fail-if outside")
    if "@" in fit and not os.path.exists(fit):
        raise Refused(
            "no-ledger", "published constants have no ledger", fit, "save a fit of your own runs and forecast with it"
        )
    found, path = load_fit(fit), ledger_path(fit)
    reading = found.rows.reading
    runs = read_runs(
        table, map={**reading.map, **mapping_of(map, map_file)}, where=where, fewest=1,
        conventions={**reading.conventions, **assignments(convention, "--convention")},
    )  # fmt: skip
    ledger = read_ledger(path)
    result = check_ledger(found, ledger, runs, datetime.now(UTC), within=within)
    added, notices = _kept(path, result, record)
    notices = [*ledger.notices, *notices]
    if json:
        print_json({"fit": fit, "ledger": str(path), "table": runs.source, **check_json(result, added, notices)})
    else:
        _show(result, path, added, notices)
    return OUTSIDE if fail_if and result.outside else 0


def _kept(path: Path, result: Checked, wanted: bool) -> tuple[int, list[Notice]]:
    """How many scores were added to the ledger; a ledger that cannot be written is told and no error."""
    try:
        return (append(path, result.fresh) if wanted else 0), []
    except OSError as error:
        return 0, [Notice("not-kept", f"the scores were not added to {path}: {error.strerror}")]


def check_json(result: Checked, added: int, notices: list[Notice]) -> dict[str, Any]:
    """What `check --json` says of the scores."""
    judged = result.judged
    return {
        "checks": [_one_json(said, one) for said, one in result.pairs],
        "open": [{**_said_json(said), "why": why} for said, why in result.open],
        "within": result.within, "added": added, "judged": len(judged), "inside": sum(bool(one.inside) for one in judged),
        "error_mean": result.error_mean, "warnings": [{"code": n.code, "message": n.message} for n in notices],
        "complete": bool(result.pairs),
    }  # fmt: skip


def _said_json(said: Said) -> dict[str, Any]:
    return {
        "id": said.id, "kind": said.kind, "made": said.made, "metric": said.metric, "at": dict(said.at), "for": said.of,
        "value": said.value, "low": said.low, "high": said.high, "interval": said.interval, "level": said.level,
        "run_low": said.run.low, "run_high": said.run.high, "rows": said.fit.rows, "extrapolation": said.far,
    }  # fmt: skip


def _one_json(said: Said, one: Check) -> dict[str, Any]:
    return {
        **_said_json(said), "run": one.run or None, "made_at": dict(one.at), "measured": one.measured, "expected": one.value, "expected_low": one.low,
        "expected_high": one.high,        "moved": one.moved, "error": one.error, "inside": one.inside, "told_inside": one.told_inside, "rank": one.rank,
        "why": said.run.why,
    }  # fmt: skip


def _show(result: Checked, path: Path, added: int, notices: list[Notice]) -> None:
    if result.pairs:
        heads = ("", "run", "expected", "for one run", "measured", "error", "", "rank")
        print_table(
            "what was said, and what came of it", heads, [_cells(i, *pair) for i, pair in enumerate(result.pairs, 1)]
        )
        print_lines(*(f"{i}: {_told(said, one)}" for i, (said, one) in enumerate(result.pairs, 1)))
        print_lines(
            "error: expected over measured; rank: share of the draws for one run that lie below", summary(result)
        )
    else:
        print_lines(f"nothing of the {len(result.open)} on record can be scored by this table")
    for said, why in result.open:
        print_lines(f"open: {said.kind} of {said.made[:10]}, {said.metric} at {_place(said.at)}: {why}")
    if added:
        print_lines(f"{added} {'score' if added == 1 else 'scores'} added to {path}")
    print_notices(notices)


def _cells(i: int, said: Said, one: Check) -> tuple[str, ...]:
    verdict = {True: "inside", False: "OUTSIDE", None: "no interval"}[one.inside]
    ends = "-" if one.low is None else f"{number(one.low)} to {number(one.high)}"
    error = "-" if one.error is None else f"{one.error:+.2%}"
    rank = "-" if one.rank is None else f"{one.rank:.0%}"
    return str(i), one.run or "-", number(one.value), ends, number(one.measured), error, verdict, rank


def _told(said: Said, one: Check) -> str:
    told = f"{said.kind} of {said.made[:10]}, {said.metric} at {_place(said.at)}: {number(said.value)}"
    built = "" if one.at == said.at else f"; built at {_place(one.at)}: {number(one.value)}"
    return told + built + (f"; {said.run.why}" if one.inside is None and said.run.why else "")


def _place(at: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in at.items())


def summary(result: Checked) -> str:
    """How many runs lay inside, in a sentence."""
    judged, levels = result.judged, " and ".join(sorted({f"{said.level:.0%}" for said, _ in result.pairs}))
    inside = f"{sum(bool(one.inside) for one in judged)} of {len(judged)} inside their {levels} interval, calibrated on published tables"
    return f"mean error {percent(result.error_mean)}; {inside if judged else 'no interval to judge by'}"
