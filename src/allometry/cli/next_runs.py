"""`allometry next`: which runs to make next, and how much surer they make a forecast or a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
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
    level_of,
    lists,
    point_of,
    quantities,
    read_table,
)
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, progress
from allometry.expressions import parse_number
from allometry.fits import Fit, Quantity, Settings
from allometry.fits import fit as fit_law
from allometry.forecasts import (
    MOST_RUNS,
    Candidates,
    NextRuns,
    buildable,
    interval_label,
    listed_candidates,
    next_runs,
    percent,
    value_at,
)
from allometry.laws import Law, find_law
from allometry.notices import Refused
from allometry.plans import optimal_params
from allometry.runs import read_table as read_candidates


def next(
    table: Table,
    law: Annotated[str, typer.Option(help="Catalogue name, TOML file or formula text.")],
    budget: Annotated[str, typer.Option(help="What all new runs may cost: FLOPs, or the unit of the candidates' cost.")],
    target: Annotated[str | None, typer.Option(help="Point whose forecast is to be surer, e.g. 'params=7e9 tokens=1.4e11'.")] = None,
    plan: Annotated[str | None, typer.Option(metavar="FLOPS", help="In place of --target: make the compute-optimal size at these FLOPs surer.")] = None,
    among: Annotated[list[str] | None, typer.Option(help="axis=value,value,... that can be built; repeatable.")] = None,
    at_least: Annotated[list[str] | None, typer.Option("--at-least", help="axis=value; repeatable. By default the least of the table.")] = None,
    at_most: Annotated[list[str] | None, typer.Option("--at-most", help="axis=value; repeatable. By default what one run can pay for.")] = None,
    fix: Annotated[list[str] | None, typer.Option(help="axis=value: a further axis of the law, in runs and in the plan; repeatable.")] = None,
    run_flops: Annotated[str | None, typer.Option("--run-flops", metavar="FLOPS", help="Most that a single run may cost: a deadline in FLOPs.")] = None,
    candidates: Annotated[str | None, typer.Option(metavar="TABLE", help="Candidates: a column for each axis, their cost (or flops), and weight: how many rows of RUNS one is worth.")] = None,
    batches: Annotated[int, typer.Option(help="Stages of equal budget; run the first, then ask again.", min=1)] = 1,
    repeats: Annotated[int, typer.Option(help="How often the same setting may be run.", min=1)] = 1,
    most_runs: Annotated[int, typer.Option("--most-runs", help="Most new runs in all.", min=1)] = MOST_RUNS,
    map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None, convention: Convention = None,
    metric: Annotated[str | None, typer.Option(help="Metric column, by default the law's own.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Column whose groups are resampled whole, or none.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples, from which the design is made.", min=0)] = 1000,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Choose the runs that narrow a forecast, or a plan, most for their cost.

    The law is fitted to RUNS; of everything that can be built within the budget, the runs are chosen that its joint
    draws say matter most at the target. The width expected after them stands beside that of a log-uniform spread of
    runs of the same cost. The law is taken as true: keep some runs to test it (allometry compare).
    """
    runs = read_table(table, map, map_file, where, rows, convention)
    chosen = find_law(law, axes=runs.columns, metric=metric or "loss")
    asked = _asked(chosen, target, plan, quantities(fix, "--fix"))
    spend = _positive(budget, "--budget")
    settings = Settings(bootstrap=bootstrap, cluster=cluster, seed=seed, level=level_of(level, 0.9))
    with progress("resampling", bootstrap) as tick:
        fitted = fit_law(runs, chosen, settings, target=metric, tick=tick)
    if candidates is None:
        most = None if run_flops is None else _positive(run_flops, "--run-flops")
        listed = {**lists(among, "--among"), **{name: [value] for name, value in quantities(fix, "--fix").items()}}
        low, high = quantities(at_least, "--at-least"), quantities(at_most, "--at-most")
        choice = buildable(fitted, spend, among=listed, at_least=low, at_most=high, run_flops=most)
    else:
        if among or at_least or at_most or run_flops:
            raise Refused("twice-buildable", "a table of candidates says all that can be built", "--candidates",
                          "leave --among, --at-least, --at-most and --run-flops out, or the table")  # fmt: skip
        choice = listed_candidates(fitted.law, read_candidates(candidates).columns, candidates)
    found = next_runs(fitted, asked, choice, spend, batches=batches, repeats=repeats, most_runs=most_runs, seed=seed)
    what = f"{fitted.law.metric} at {target}" if plan is None else f"the optimal size at {plan} FLOPs"
    if json:
        print_json(next_json(found, fitted, what, spend))
    else:
        _show(found, fitted, choice, what, candidates is not None)


def _asked(law: Law, target: str | None, plan: str | None, fixed: Mapping[str, float]) -> Quantity:
    """The quantity to narrow."""
    if (target is None) == (plan is None):
        raise Refused("next-ask", "give the point to be surer of, or the FLOPs of a plan, one of the two",
                      "--target, --plan", "such as --target 'params=7e9 tokens=1.4e11'")  # fmt: skip
    if plan is not None:
        return optimal_params(_positive(plan, "--plan"), fixed)
    return value_at(point_of(target or "", [law], "--target"))


def _positive(text: str, option: str) -> float:
    value = parse_number(text, option)
    if not (np.isfinite(value) and value > 0):
        raise Refused("bad-value", f"{text} is not a budget", option, "give a positive number")
    return value


def next_json(found: NextRuns, fitted: Fit, what: str, budget: float) -> dict[str, Any]:
    """What `next --json` says."""
    return {
        **found.as_json(), "law": fitted.law.name, "for": what, "budget": budget, "n_runs": len(fitted.rows),
        "interval": interval_label(fitted), "complete": True,
    }  # fmt: skip


def _show(found: NextRuns, fitted: Fit, choice: Candidates, what: str, listed: bool) -> None:
    several = found.runs[-1].batch > 1 if found.runs else False
    cells = [
        (*((run.batch,) if several else ()), *((run.candidate,) if listed else ()),
         *(number(run.at[name]) for name in fitted.law.axes), f"{run.cost:.3g}", _share(run.share))
        for run in found.runs
    ]  # fmt: skip
    head = (
        *(("batch",) if several else ()),
        *(("row",) if listed else ()),
        *fitted.law.axes,
        found.unit,
        "of the narrowing",
    )
    print_table(f"runs to make next, of {len(choice)} that could be; for {what} by {fitted.law.name}", head, cells)
    print_lines(
        f"{len(found.runs)} runs, {found.spent:.3g} {found.unit} together",
        f"{what}: now {number(found.value)} (fitted), {found.level:.0%} interval {percent(found.before):.3g}% wide from low to high ({interval_label(fitted)})",
        f"expected after these runs: {percent(found.after):.3g}%; after a log-uniform spread of runs of equal cost: {percent(found.spread):.3g}%",
    )
    if several:
        steps = ", ".join(f"{percent(width):.3g}%" for width in found.after_batch)
        print_lines(f"after each batch: {steps}. Make batch 1 only, then ask again: what it measures changes the rest.")
    print_lines(
        f"reckoned with a scatter of {found.scatter:.3g} for one run, as measured about the curve ({fitted.space} space)"
    )
    print_notices(found.notices)


def _share(share: float) -> str:
    return "under 1%" if share < 0.005 else f"{share:.0%}"
