"""`allometry arms`: two recipes on paired budgets, and what the difference is worth."""

from __future__ import annotations

from typing import Annotated

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
    point,
    quantities,
    read_table,
)
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.notices import Interval
from allometry.plans import Arms
from allometry.plans import arms as arms_of


def arms(
    table: Table,
    by: Annotated[str, typer.Option(help="Column that says which recipe a row is of.")],
    law: Annotated[str, typer.Option(help="Law fitted to each arm: catalogue name, TOML file or formula text.")],
    at: Annotated[str, typer.Option(help="Target: 'flops=1e25' (each arm splits them best for itself), or 'params=7e9 tokens=2e12'.")],
    arm: Annotated[list[str] | None, typer.Option(help="Two values of the column, where it has more; the first is the baseline.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Which arm is the baseline, by default the first in the table.")] = None,
    map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None, convention: Convention = None,
    target: Annotated[str | None, typer.Option(help="Metric column, by default the law's own.")] = None,
    tried: Annotated[str, typer.Option(help="best: of several hyper-parameters tried at a rung keep the best; or all.")] = "best",
    tuned: Annotated[list[str] | None, typer.Option(help="Hyper-parameter column; repeatable; by default learning rate, batch size and the like.")] = None,
    fix: Annotated[list[str] | None, typer.Option(help="name=value in both arms, such as a shared floor; repeatable.")] = None,
    cluster: Annotated[str | None, typer.Option(help="Column that names the rungs; equal names are common rungs.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples, the same rungs in both arms; 0 for none.", min=0)] = 1000,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Compare two recipes at a scale: difference, worth in compute, crossover, and whether the order holds.

    Each arm is fitted apart. Rungs that both arms have (same params and tokens, or alone at the same FLOPs) are
    resampled together, so that what disturbs both cancels.
    """
    runs = read_table(table, map, map_file, where, rows, convention)
    chosen = find_law(law, axes=runs.columns, metric=target or "loss")
    settings = Settings(
        fixed=quantities(fix, "--fix"), cluster=cluster, bootstrap=bootstrap, seed=seed, level=level_of(level, 0.9)
    )
    with working("fitting both arms"):
        found = arms_of(
            runs, by, chosen, point(at), names=arm, baseline=baseline, settings=settings, target=target,
            tried=tried, tuned=tuned,
        )  # fmt: skip
    if json:
        print_json(found.as_json())
    else:
        _show(found)


def _show(found: Arms) -> None:
    one, other = found.names
    metric, scale = found.fits[0].law.metric, found.scale
    cells = [
        (number(gap.place), number(gap.values[0]), number(gap.values[1]), *_ends(gap.difference), _percent(gap.lower))
        for gap in found.gaps
    ]
    title = (
        f"{metric} by {found.fits[0].law.name}, {scale.words}; {found.common} common rungs of {found.rungs[0]} and "
        f"{found.rungs[1]}; difference: {other} - {one}; {found.level:.0%} intervals: {found.interval}"
    )
    print_table(title, (scale.name, one, other, "difference", "low", "high", f"{other} lower in"), cells)
    answers = [
        (f"{metric} of {one}", found.values[0]),
        (f"{metric} of {other}", found.values[1]),
        ("difference", found.difference),
        (f"{one} needs FLOPs x", found.multiplier),
        (f"crossover in {scale.name}", found.turn.at),
    ]
    print_table(
        f"at {scale.name} = {number(scale.target)}",
        ("", "value", "low", "high"),
        [(name, *_ends(value)) for name, value in answers],
    )
    without = "" if found.interval != "none" else found.fits[0].interval_kind
    print_lines(*(f"{name}: {value.why}" for name, value in answers if value.why and value.why != without))
    for name, split in zip(found.names, found.splits, strict=True):
        if split:
            print_lines(f"{name} builds " + ", ".join(f"{axis} {number(value)}" for axis, value in split.items()))
    print_lines(found.order_sentence, found.distance, found.verdict)
    print_notices(found.notices)


def _ends(value: Interval) -> tuple[str, str, str]:
    return number(value.value), number(value.low), number(value.high)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
