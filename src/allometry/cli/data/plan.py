"""`allometry data plan`: which pools to train on, or whether pruning pays, at a compute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.options import Json, Level, Seed, Starts, Where, check_page, level_of, quantities
from allometry.cli.output import (
    interval_cells,
    number,
    print_json,
    print_lines,
    print_notices,
    print_table,
    progress,
    working,
)
from allometry.data.arms import pruning_arms
from allometry.data.filtering import Filtering, Pruned, best_pools, compare_pruning, fit_pools, read_pools
from allometry.data.filtering.pruned import LAW
from allometry.expressions import parse_number
from allometry.fits import Settings
from allometry.notices import Interval, Refused
from allometry.runs import read_runs
from allometry.runs import read_table as columns_of


def plan(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Runs on pools (pool, examples, pool_samples, error), or of pruning (metric, kept, examples, error).")],
    examples: Annotated[str, typer.Option(help="The compute: examples trained on in all, repeats counted, e.g. 128M.")],
    fix: Annotated[list[str] | None, typer.Option(help="name=value of a parameter of the law of pools, such as d=0.1; repeatable.")] = None,
    law: Annotated[str | None, typer.Option(help=f"Law of a pruning curve over examples, by default {LAW}.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Page to draw error against examples on: .html.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples; 0 for none.", min=0)] = 1000,
    where: Where = None, level: Level = None, starts: Starts = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Which data to train on at a compute: which pools and how often, or whether pruning beats random selection.

    Of runs on pools: the union with the least error, against always taking the best pool and against all of them. Of
    pruning runs: each metric against random, and where they cross.
    """
    check_page(figure)
    budget = parse_number(examples, "--examples")
    settings = Settings(
        bootstrap=bootstrap, starts=starts, seed=seed, level=level_of(level, 0.9), fixed=quantities(fix, "--fix")
    )
    pooled = _is_of_pools(table)
    if pooled and law is not None:
        raise Refused("bad-option", "pools have a law of their own", "--law", "leave it out")
    if not pooled and fix:
        raise Refused("bad-option", "constants are fixed for pools only", "--fix", "leave it out")
    found: Filtering | Pruned
    if pooled:
        with working("fitting all pools together"):
            found = best_pools(fit_pools(read_pools(table, where=where), settings), budget)
    else:
        with progress("arms", len(pruning_arms(read_runs(table, rows="all", where=where)))) as tick:
            found = compare_pruning(table, budget, law=law or LAW, where=where, settings=settings, tick=tick)
    if figure is not None:
        from allometry.reports.filtering import write_filtering_page

        write_filtering_page(found, figure)
    if json:
        print_json({**found.as_json(), "figure": None if figure is None else str(figure)})
        return
    _show_pools(found) if isinstance(found, Filtering) else _show_pruned(found)
    print_lines(*(f"[{step.mark}] {step.name}: {step.says}" for step in found.steps))
    print_notices(found.notices)
    if figure is not None:
        print_lines(f"drawn in {figure}")


def _is_of_pools(table: str) -> bool:
    given = columns_of(table)
    if "pool" in given.columns:
        return True
    if "metric" in given.columns:
        return False
    raise Refused("no-column", "there is neither a column `pool` nor a column `metric`", given.where,
                  "give runs on pools (pool, examples, pool_samples, error) or of pruning (metric, kept, examples, error)")  # fmt: skip


def _show_pools(found: Filtering) -> None:
    print_table("pools", ("pool", "utility", "low", "high", "half-life (passes)", "low", "high"), [
        (name, *interval_cells(utility)[:3], *interval_cells(tau)[:3]) for name, (utility, tau) in found.pools.items()
    ])  # fmt: skip
    ranked = sorted(found.errors.items(), key=lambda each: each[1].value or 0.0)
    print_table(f"error at {number(found.examples)} examples", ("train on", "error", "low", "high", "best in draws"), [
        (name, *interval_cells(told)[:3], f"{found.wins[name]:.0%}" if found.wins else "-") for name, told in ranked
    ])  # fmt: skip
    print_lines(f"train on {found.best}, {found.passes:.3g} passes")
    print_lines(
        f"below always the best pool ({found.fixed}) by {_told(found.gain)}, below all pools by {_told(found.unfiltered)}"
    )
    print_lines(*(f"{one.after} instead of {one.before} from {_told(one.at)} examples" for one in found.turns))
    print_lines(*dict.fromkeys(one.at.why for one in found.turns if one.at.why))


def _show_pruned(found: Pruned) -> None:
    rows = [
        (arm.name, *interval_cells(arm.error)[:3], *interval_cells(arm.difference)[:3], arm.ahead or "-")
        for arm in (*found.arms, found.random)
    ]  # fmt: skip
    columns = ("examples chosen by", "error", "low", "high", "against random", "low", "high", "ahead")
    print_table(f"error at {number(found.examples)} examples", columns, rows)
    print_lines(found.sentence)
    if len(found.arms) > 1:
        print_lines(
            "intervals of the differences hold for all arms at once, as one was chosen; all others for themselves"
        )
    for arm in found.arms:
        if arm.crossings is None:
            continue
        turns = [
            f"{'better' if one.lower_beyond == 'first' else 'worse'} than random from {_told(one.at)} examples"
            for one in arm.crossings.crossings
        ]
        none = "better" if (arm.difference.value or 0.0) < 0 else "worse"
        print_lines(f"{arm.name}: " + (", ".join(turns) or f"{none} than random all the way"))


def _told(found: Interval) -> str:
    """A value with its interval."""
    if found.low is None and found.high is None:
        return number(found.value)
    return f"{number(found.value)} [{number(found.low)}, {number(found.high)}]"
