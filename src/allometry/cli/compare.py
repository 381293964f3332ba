"""`allometry compare`: laws on one table, ranked by how they forecast runs they had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import (
    Convention,
    Json,
    Level,
    Map,
    MapFile,
    RowsRule,
    Seed,
    Table,
    Where,
    check_out,
    level_of,
    point_of,
    read_table,
)
from allometry.cli.output import number, print_json, print_lines, print_table, progress, working
from allometry.fits import Fit, LackOfFit, Settings, diagnose, fit, lack_of_fit
from allometry.forecasts import (
    CALIBRATED,
    FIT_NOISE,
    MOST_CUTS,
    Backtest,
    Standing,
    Tournament,
    backtest,
    by_distance,
    stack_forecast,
    tournament,
)
from allometry.laws import find_law
from allometry.notices import Interval, Refused
from allometry.plans import default_quantities


def compare(
    table: Table,
    law: Annotated[list[str], typer.Option(help="Catalogue name, TOML file or formula text; repeatable.")],
    holdout: Annotated[str | None, typer.Option(help="Filter: fit on the rest, score these rows.")] = None,
    along: Annotated[str, typer.Option("--backtest", help="Axis of rolling cut-offs.")] = "flops",
    map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None, convention: Convention = None,
    at: Annotated[list[str] | None, typer.Option(help="Point that the stack of all laws forecasts; repeatable.")] = None,
    target: Annotated[str | None, typer.Option(help="Metric column, by default the laws' own.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Column whose groups stay on one side, or none.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples of each fit, for interval coverage; 0 for none.", min=0)] = 200,
    report: Annotated[Path | None, typer.Option(help="HTML file to write: the recommended law's fit, the backtests and the ranking.")] = None,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Rank laws by backtest: fit the smaller runs, score the larger ones."""
    if report is not None:
        check_out(report, "--report")
    runs = read_table(table, map, map_file, where, rows, convention)
    laws = [find_law(text, axes=runs.columns, metric=target or "loss") for text in law]
    if len({found.name for found in laws}) < len(laws):
        mend = "name each once; put a second formula into a TOML file of its own name"
        raise Refused("law-twice", "a law is named twice", "--law", mend)
    points = [point_of(text, laws, "--at") for text in at or ()]
    settings = Settings(bootstrap=bootstrap, cluster=cluster, seed=seed, level=level_of(level, 0.9))
    with progress("fitting below the cuts", len(laws) * (MOST_CUTS if holdout is None else 1)) as tick:
        tests = backtest(runs, laws, settings, along=along, holdout=holdout, target=target, tick=tick)
    found = tournament(tests, seed=seed)
    with working("fitting all rows"):
        plain = replace(settings, bootstrap=0)
        drawn = {law.name for law in laws if points or (report and law.name == found.recommended)}
        fits = {law.name: fit(runs, law, settings if law.name in drawn else plain, target=target) for law in laws}
        ranked, weights = [fits[s.law] for s in found.standings], [s.weight for s in found.standings]
        told = stack_forecast(ranked, weights, points, seed=seed)
        new = stack_forecast(ranked, weights, points, of="new-run", seed=seed)
    lacks = {name: lack_of_fit(fitted) for name, fitted in fits.items()}
    written = {} if report is None else {"report": str(_write(report, fits[found.recommended], tests, found))}
    if json:
        stack = _stack_json(found, points, told, new)
        print_json({**compare_json(found, tests), **stack, "lack_of_fit": _lacks_json(lacks), **written})
        return
    show_tournament(found, tests)
    print_lines(*(f"{name} {lack.sentence}" for name, lack in lacks.items() if lack is not None))
    for text, value, run in zip(at or (), told, new, strict=True):
        both = value.why or f"{_span(value)} ({FIT_NOISE}, laws mixed); one new run {_span(run)} ({CALIBRATED})"
        print_lines(f"stack at {text}: {number(value.value)} {both}")
    print_lines(found.verdict, *(f"report: {path}" for path in written.values()))


def _write(path: Path, fitted: Fit, tests: tuple[Backtest, ...], found: Tournament) -> Path:
    from allometry.reports import write_report

    with working("writing the report"):
        diagnosis = diagnose(fitted, default_quantities(fitted))
        return write_report(fitted, path, diagnosis=diagnosis, backtests=tests, tournament=found)


def compare_json(found: Tournament, tests: tuple[Backtest, ...]) -> dict[str, Any]:
    """What `compare --json` says of the laws."""
    return {
        "ranking": [_standing_json(standing) for standing in found.standings],
        "verdict": found.verdict, "recommended": found.recommended, "rows": found.rows, "groups": found.groups,
        "by_distance": {test.law.name: [bin.as_json() for bin in by_distance(test)] for test in tests},
        "interval": "resampled held-out runs", "missed": list(found.missed),
        "complete": not found.missed and not any(s.failed for s in found.standings),
    }  # fmt: skip


def _span(found: Interval) -> str:
    return f"[{number(found.low)}, {number(found.high)}]"


def _stack_json(
    found: Tournament, points: list[dict[str, float]], told: tuple[Interval, ...], new: tuple[Interval, ...]
) -> dict[str, Any]:
    forecasts = [
        {"at": where, "value": value.value, "low": value.low, "high": value.high, "why": value.why,
         "interval": f"{FIT_NOISE}, laws mixed",
         "new_run": {"low": run.low, "high": run.high, "why": run.why, "interval": CALIBRATED}}
        for where, value, run in zip(points, told, new, strict=True)
    ]  # fmt: skip
    weights = {standing.law: standing.weight for standing in found.standings}
    error = {"error_mean": found.stack_error, "best_law_error_mean": found.stack_beside, "behind": found.stack_behind}
    return {"stack": {**error, "weights": weights, "forecasts": forecasts}}


def _lacks_json(lacks: Mapping[str, LackOfFit | None]) -> dict[str, Any]:
    return {
        name: None if lack is None else {"ratio": lack.ratio, "p": lack.p, "noise": lack.noise, "repeats": lack.repeats}
        for name, lack in lacks.items()
    }


def _standing_json(standing: Standing) -> dict[str, Any]:
    behind = standing.behind
    return {
        "law": standing.law, "parameters": standing.parameters, "error_mean": standing.error_mean,
        "error_max": standing.error_max, "log_error_rms": standing.log_error_rms, "bias": standing.bias,
        "coverage": standing.coverage, "weight": standing.weight, "failed": list(standing.failed),
        "behind": {"value": behind.value, "low": behind.low, "high": behind.high, "why": behind.why},
        "distinguishable": standing.distinguishable,
    }  # fmt: skip


def show_tournament(found: Tournament, tests: tuple[Backtest, ...]) -> None:
    """The ranking and the errors by distance as a person reads them."""
    level = tests[0].level
    cells = [
        (s.law, s.parameters, _percent(s.error_mean), _percent(s.error_max), _percent(s.bias), _percent(s.coverage),
         _behind(s), f"{s.weight:.2f}")
        for s in found.standings
    ]  # fmt: skip
    print_table(
        f"{found.rows} forecasts of {found.groups} held-out runs; inside: {level:.0%} new-run intervals that held; "
        "behind: mean |ln| error above the best law's",
        ("law", "unknowns", "error", "largest", "bias", "inside", "behind", "weight"),
        cells,
    )
    for test in tests:
        if bins := by_distance(test):
            print_lines(f"{test.law.name}: " + "; ".join(bin.sentence for bin in bins))
    print_lines(*filter(None, [found.stack_sentence]))
    print_lines(*(f"{s.law}: {why}" for s in found.standings for why in s.failed))
    print_lines(*(f"not ranked, {why}" for why in found.missed))


def _behind(standing: Standing) -> str:
    behind = standing.behind
    ends = "" if behind.low is None else f" [{behind.low:.3g}, {behind.high:.3g}]"
    return f"{behind.value:.3g}{ends}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}%"
