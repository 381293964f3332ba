"""`allometry watch`: where a running job will end, and whether it still goes as finished runs went."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from allometry.cli.options import (
    Convention,
    Json,
    Level,
    Map,
    MapFile,
    Seed,
    Table,
    Where,
    assignments,
    level_of,
    mapping_of,
    notices_json,
    point,
)
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.expressions import parse_number
from allometry.fits import Settings
from allometry.forecasts import Checkpoint, Watch, read_watched
from allometry.forecasts import watch as watch_run
from allometry.laws import find_law
from allometry.notices import Notice, Refused

OUTSIDE = 3
SHOWN = 12
_NO_RESAMPLES = "no-intervals"  # the law is fitted without resamples: the intervals here come from finished runs


def watch(
    table: Table,
    run: Annotated[str, typer.Option(help="Id of the running job, or a filter that only its rows pass, e.g. 'model == \"a\" and lr == 0.001'.")],
    law: Annotated[str, typer.Option(help="Law of the ladder, e.g. chinchilla: catalogue name, TOML file or formula text.")],
    run_column: Annotated[str | None, typer.Option(help="Column that names the run of each row; same as --map run_id=COLUMN.")] = None,
    end: Annotated[str | None, typer.Option(help="Where the run will end, e.g. \"tokens=2e10\"; by default as the table plans it.")] = None,
    steps: Annotated[str | None, typer.Option(help="The same in steps, e.g. 20000.")] = None,
    map: Map = None, map_file: MapFile = None, where: Where = None, convention: Convention = None,
    target: Annotated[str | None, typer.Option(help="Metric column, by default the law's own.")] = None,
    fail_if: Annotated[str | None, typer.Option(help="outside: end with status 3 when the run is outside the band.")] = None,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> int:  # fmt: skip
    """Forecast the end of an unfinished run from its checkpoints and the finished runs of the table.

    The table holds the running job and finished runs, best with their checkpoints: these teach how runs come to
    their end. Every checkpoint is compared with what finished runs imply for it. The run is outside when its last
    three checkpoints or more are; the band is so wide that a healthy run is called outside in about one case of ten.
    """
    if fail_if not in (None, "outside"):
        raise Refused("bad-option", f"{fail_if!r} is nothing to fail on", "--fail-if", "write --fail-if outside")
    if end is not None and steps is not None:
        raise Refused("two-ends", "the end is given twice", "--steps", "give --end or --steps")
    named = {**mapping_of(map, map_file), **({"run_id": run_column} if run_column else {})}
    settings = Settings(bootstrap=0, seed=seed, level=level_of(level, 0.9))
    with working("fitting the finished runs"):
        runs = read_watched(table, run, map=named, where=where, conventions=assignments(convention, "--convention"))
        chosen = find_law(law, axes=runs.columns, metric=target or "loss")
        found = watch_run(
            runs, run, chosen, settings, end=None if end is None else point(end, "--end"),
            steps=None if steps is None else parse_number(steps, "--steps"), target=target,
        )  # fmt: skip
    if json:
        print_json(watch_json(found))
    else:
        _show(found)
    return OUTSIDE if fail_if and found.outside else 0


def watch_json(found: Watch) -> dict[str, Any]:
    """What `watch --json` says."""
    told = found.forecast
    return {
        "run": found.run, "law": found.law, "metric": found.metric, "clock": found.clock, "share": found.share,
        "end": dict(found.end), "outside": found.outside, "side": found.side, "since": found.since,
        "forecast": {"value": told.value, "low": told.low, "high": told.high, "why": told.why},
        "level": found.level, "interval": found.interval, "law_alone": found.law_alone,
        "law_and_offset": found.law_and_offset,
        "learned_from": found.learned_from, "ladder": found.ladder,
        "band": [_checkpoint_json(checkpoint) for checkpoint in found.band],
        "extrapolation": found.extrapolation.as_json(), "warnings": notices_json(_notices(found)), "complete": told.value is not None,
    }  # fmt: skip


def _checkpoint_json(one: Checkpoint) -> dict[str, Any]:
    expected = {
        "value": one.expected.value,
        "low": one.expected.low,
        "high": one.expected.high,
        "why": one.expected.why,
    }
    return {
        "step": one.step, "share": one.share, "measured": one.measured, "expected": expected, "inside": one.inside,
        "side": one.side,
    }  # fmt: skip


def _notices(found: Watch) -> list[Notice]:
    return [notice for notice in found.notices if notice.code != _NO_RESAMPLES]


def _show(found: Watch) -> None:
    at = " ".join(f"{name}={number(value)}" for name, value in found.end.items())
    print_lines(f"{found.run}: {min(found.share, 1):.0%} of its way, ends at {at}")
    told = found.forecast
    ends = (
        told.why
        if told.low is None
        else f"[{number(told.low)}, {number(told.high)}], {found.level:.0%}: {found.interval}"
    )
    print_lines(f"forecast of {found.metric} at the end: {number(told.value)} {ends}")
    print_lines(
        f"{found.law} alone, fitted to {found.ladder} finished runs: {number(found.law_alone)}, "
        f"moved by the run's own offset: {number(found.law_and_offset)}; ways learned from {found.learned_from} of them"
    )
    print_lines(f"its end against the ladder: {found.extrapolation.sentence}")
    rows = [
        (number(c.step), f"{c.share:.1%}", number(c.measured), number(c.expected.low), number(c.expected.high), _place(c))
        for c in _shown(found)
    ]  # fmt: skip
    print_table(
        f"checkpoints against the {found.level:.0%} band for a whole life", (found.clock, "way", found.metric, "low", "high", ""), rows
    )  # fmt: skip
    print_notices(_notices(found))
    side = f", {found.side} it" if found.side else ""
    print_lines(
        f"OUTSIDE the band since {found.clock} {number(found.since)}{side}" if found.outside else "not outside the band"
    )


def _place(one: Checkpoint) -> str:
    """Where a checkpoint lies, in a word: nothing inside the band."""
    return "no band" if one.inside is None else "" if one.inside else one.side or "no number"


def _shown(found: Watch) -> list[Checkpoint]:
    """The last checkpoints, and those around where the run left the band."""
    left = next((i for i, one in enumerate(found.band) if one.step == found.since), len(found.band))
    return [one for i, one in enumerate(found.band) if i >= len(found.band) - SHOWN or abs(i - left) <= 1]
