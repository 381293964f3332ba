"""`allometry lab show`: what finished ladders say, as tables and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import Json, Level, Seed, level_of
from allometry.cli.output import number, print_json, print_lines, print_notices, print_table, working
from allometry.fits import Settings
from allometry.lab.ladders.comparing import LAW, Shown, diverged_line, show_ladders
from allometry.lab.ladders.reading import read_tables


def show(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of ladders (--out of lab run); the plainest recipe is the baseline.")],
    out: Annotated[Path | None, typer.Option(help="HTML page with learning curves, fronts and differences at equal FLOPs.")] = None,
    figures: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for each figure one column wide, with the CSV behind it.")] = None,
    format: Annotated[str | None, typer.Option(help="Of the figures: pdf (default), svg or png.")] = None,
    by: Annotated[str | None, typer.Option(help="Column that tells recipes apart; by default mechanism and what varies beside it (loops, streams, growth_factor, ...).")] = None,
    law: Annotated[str, typer.Option(help="Law of FLOPs fitted to either recipe for the differences.")] = LAW,
    bootstrap: Annotated[int, typer.Option(help="Resamples, the same rungs in both; 0 for none.", min=0)] = 500,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Learning curves, fronts, and recipes against the first at equal FLOPs.

    Differences are told within what both were run at; `allometry arms` says what holds beyond.
    """
    from allometry.reports.paper.write import asked_format

    chosen = asked_format(figures, format)
    rows = read_tables(folders)
    with working("comparing"):
        found = show_ladders(rows, by, law, Settings(bootstrap=bootstrap, seed=seed, level=level_of(level, 0.9)))
    page, drawn = None, []
    if out is not None:
        from allometry.reports.ladders import write_ladder_page

        page = str(write_ladder_page(found, out, f"Ladders: {', '.join(folder.name for folder in folders)}"))
    if figures is not None:
        from allometry.reports.ladders import ladder_figures
        from allometry.reports.paper.write import write_drawings

        drawn = [each._asdict() for each in write_drawings(ladder_figures(found), figures, chosen)]
    if json:
        print_json({**_json(found), "page": page, "figures": [{k: str(v) for k, v in each.items()} for each in drawn]})
        return
    _show(found)
    if page:
        print_lines(f"page written to {page}")
    if drawn:
        print_lines(f"{len(drawn)} figures, each with its CSV, written to {figures}")


def _json(found: Shown) -> dict[str, Any]:
    return {
        "by": found.by, "loss_unit": found.unit,
        "recipes": [
            {"recipe": front.recipe, "diverged": front.diverged, "points": [
                {"flops": p.flops, "params": p.params, "runs": p.runs, "loss": p.loss, "front": p.front} for p in front.points
            ]} for front in found.fronts
        ],
        "against": [arms.as_json() for arms in found.against],
        "not_compared": list(found.apart),
    }  # fmt: skip


def _show(found: Shown) -> None:
    print_table(f"fronts, loss in {found.unit}, seeds averaged", (found.by, "params", "FLOPs", "runs", "loss"), [
        (front.recipe, number(p.params), number(p.flops), str(p.runs), f"{p.loss:.4f}")
        for front in found.fronts for p in front.points if p.front
    ])  # fmt: skip
    print_lines(*filter(None, [diverged_line(found.fronts)]))
    for arms in found.against:
        cells = [
            (number(gap.place), *(number(value) for value in gap.values), number(gap.difference.value),
             number(gap.difference.low), number(gap.difference.high)) for gap in arms.gaps
        ]  # fmt: skip
        one, other = arms.names
        print_table(f"{other} minus {one} at equal FLOPs, {arms.level:.0%} intervals; {arms.common} common rungs",
                    ("FLOPs", one, other, "difference", "low", "high"), cells)  # fmt: skip
        print_lines(arms.verdict)
        print_notices(arms.notices)
    print_lines(*found.apart)
