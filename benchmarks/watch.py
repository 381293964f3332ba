"""Watching published runs: forecasts of their ends from 10 to 75% of their way, and alarms, beside plain ways.

Every third run of the (Mis)fitting checkpoints that has two checkpoints or more (every one with --all) is watched as
if it were still going, at 10, 25, 50 and 75% of its steps where it has a checkpoint by then. Nothing is learned from
the watched run. Two variants: the other runs of its size stay (they differ in tokens or learning rate; several have
its size and tokens), or the whole size is left out. Beside the forecast stand the law alone, the last measured value,
and the law moved by the run's own offset. All runs finished, so all count as healthy: an alarm at any look is a false
one. Faults are made by raising the loss of every checkpoint after half of the steps, in runs with six checkpoints or
more.

    ALLOMETRY_DATA=DIR python benchmarks/watch.py [--all] [--write]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from _report import RESULTS, Report, published_table
from allometry.forecasts import IN_A_ROW, Watch, read_watched, watch
from allometry.runs import Runs, read_table

LAW, NAME = "chinchilla", "misfitting_checkpoints"
SHARES = (0.10, 0.25, 0.50, 0.75)
FAULTS = (1.03, 1.10)
FEWEST_FOR_FAULTS = 6
IDENTITY = ("model", "lr", "total_steps", "total_epochs", "sweep")
WAYS = ("forecast", "law alone", "last value", "law and own offset")


class Look(NamedTuple):
    """One forecast: share of the way, log errors of the ways, whether the interval held, its log width."""

    share: float
    errors: tuple[float, ...]
    held: bool
    width: float


class Alarm(NamedTuple):
    """One run to its end: called outside at any look, at the last, and at which share first."""

    ever: bool
    at_end: bool
    first: float


def read() -> Runs:
    """The table with a name for every run; a step that a resumed run gives twice counts once."""
    path = published_table(f"{NAME}.csv")
    if path is None:
        raise SystemExit(f"{NAME}.csv is not in the folder that ALLOMETRY_DATA names")
    columns = dict(read_table(str(path)).columns)
    keys = zip(*(columns[name].tolist() for name in IDENTITY), strict=True)
    columns["run_id"] = np.array([" ".join(map(str, key)) for key in keys], dtype=object)
    return read_watched({**columns, "step": columns["current_steps"]}, "")


def without_size(runs: Runs, run: str) -> Runs:
    own = runs.columns["run_id"] == run
    other = (runs.columns["params"] == runs.columns["params"][own][0]) & ~own
    return runs.keep(~other, "of the watched run's size")


def until(runs: Runs, run: str, share: float) -> Runs | None:
    """The table while a run is at a share of its steps; None where it has no checkpoint by then."""
    own = runs.columns["run_id"] == run
    past = own & (runs.columns["step"] > share * runs.columns["total_steps"])
    return None if past[own].all() else runs.keep(~past, "not yet measured")


def raised(runs: Runs, run: str, factor: float) -> Runs:
    """The table with the loss of a run raised after half of its steps."""
    late = (runs.columns["run_id"] == run) & (runs.columns["step"] > 0.5 * runs.columns["total_steps"])
    return replace(
        runs, columns={**runs.columns, "loss": np.where(late, factor * runs.columns["loss"], runs.columns["loss"])}
    )


def looks(runs: Runs, run: str) -> list[Look]:
    own = np.flatnonzero(runs.columns["run_id"] == run)
    end = float(runs.columns["loss"][own[np.argmax(runs.columns["step"][own])]])
    found = []
    for share in SHARES:
        part = until(runs, run, share)
        if part is None:
            continue
        told = watch(part, run, LAW)
        ways = (told.forecast.value, told.law_alone, told.band[-1].measured, told.law_and_offset)
        errors = tuple(float(np.log(way / end)) for way in ways)
        low, high = told.forecast.low, told.forecast.high
        found.append(Look(share, errors, low <= end <= high, float(np.log(high / low))))
    return found


def alarm(runs: Runs, run: str) -> Alarm:
    """What looks after every checkpoint would have called, by the band of the whole way."""
    told = watch(runs, run, LAW)
    called = [one.share for one, out in zip(told.band, _called(told), strict=True) if out]
    return Alarm(bool(called), told.outside, called[0] if called else np.nan)


def _called(told: Watch) -> list[bool]:
    """Whether enough judged checkpoints in a row, up to each, are outside."""
    row, found = 0, []
    for one in told.band:
        row = row if one.inside is None else 0 if one.inside else row + 1
        found.append(row >= IN_A_ROW)
    return found


def forecast_rows(found: Iterable[Look]) -> list[tuple[str, ...]]:
    rows = []
    for share in SHARES:
        own = [look for look in found if look.share == share]
        errors = np.array([look.errors for look in own])
        for way, column in zip(WAYS, errors.T, strict=True):
            off = np.abs(np.expm1(column))
            held = f"{np.mean([look.held for look in own]):.1%}" if way == WAYS[0] else ""
            width = f"{np.median([look.width for look in own]):.2%}" if way == WAYS[0] else ""
            rows.append((f"{share:.0%}", str(len(own)), way, f"{off.mean():.2%}", f"{np.median(off):.2%}",
                         f"{column.mean():+.2%}", held, width))  # fmt: skip
    return rows


def alarm_row(what: str, found: list[Alarm]) -> tuple[str, ...]:
    first = [one.first for one in found if one.ever]
    return (what, str(len(found)), f"{np.mean([one.ever for one in found]):.1%}",
            f"{np.mean([one.at_end for one in found]):.1%}", f"{np.median(first):.0%}" if first else "-")  # fmt: skip


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]


def variant(size_out: bool) -> list[str]:
    """One variant as Markdown."""
    begun, runs = time.process_time(), read()
    counts = Counter(map(str, runs.columns["run_id"]))
    names = [name for name, count in counts.items() if count > 1][:: 1 if "--all" in sys.argv else 3]
    found, healthy = [], []
    broken: dict[float, list[Alarm]] = {factor: [] for factor in FAULTS}
    for name in names:
        part = without_size(runs, name) if size_out else runs
        found += looks(part, name)
        healthy.append(alarm(part, name))
        for factor in FAULTS if counts[name] >= FEWEST_FOR_FAULTS else ():
            broken[factor].append(alarm(raised(part, name, factor), name))
    head = ("at", "runs", "way", "mean error", "median error", "bias (ln)", "inside 90%", "median width (ln)")
    lines = [f"## {'Its whole size' if size_out else 'The run'} left out", "", *table(head, forecast_rows(found)), ""]
    rows = [alarm_row("healthy, as published", healthy)]
    rows += [alarm_row(f"loss x {factor} after half", broken[factor]) for factor in FAULTS]
    lines += table(("runs as", "runs", "called outside at any look", "at the last look", "first at (median)"), rows)
    return [*lines, "", f"{time.process_time() - begun:.0f} processor seconds", ""]


def main() -> None:
    runs, report = read(), Report("watch")
    begun = time.process_time()
    told = watch(runs, str(runs.columns["run_id"][0]), LAW)
    report(f"{NAME}: {len(runs)} checkpoints, {told.ladder + 1} runs told apart by {', '.join(IDENTITY)}")
    report(f"law {LAW}; one look at {len(told.band)} checkpoints: {time.process_time() - begun:.2f} processor seconds")
    report()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for lines in pool.map(variant, (False, True)):
            for line in lines:
                report(line)
    if "--write" in sys.argv:
        report.write()
        text = "\n".join(["# Watching published runs", "", (__doc__ or "").split("\n\n    ")[0], "", *report.lines])
        (RESULTS / "watch.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
