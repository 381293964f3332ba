"""`allometry data select`: which proportions of sources, from samples of each and of a target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.options import Json, Level, Seed, Where, check_out, check_page, level_of, quantities
from allometry.cli.output import interval_cells, number, print_json, print_lines, print_notices, print_table, progress
from allometry.data.pools import EMBEDDINGS
from allometry.data.selection import Chosen, check_library, choose_sources, read_samples
from allometry.expressions import parse_number
from allometry.fits import Settings
from allometry.notices import Interval, Refused

ROWS, RESAMPLES = 300, 40


def select(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Samples of each source: NAME=FILE, or FILE by its own name; Parquet, CSV, JSON lines, .npy or .npz.")],
    target: Annotated[Path, typer.Option(help="Samples of what the model is to be good at, a file of the same kind.")],
    features: Annotated[str, typer.Option(help="Column of vectors, or columns of numbers, a,b,...; of a .npy its array.")] = EMBEDDINGS,
    label: Annotated[str | None, typer.Option(help="Column of classes, in all files; their examples then count in the distance.")] = None,
    label_weight: Annotated[float, typer.Option(help="Weight of the labels' part of the distance.", min=0.0)] = 1.0,
    rows: Annotated[int, typer.Option(help="Rows drawn of each file at most; time grows as their square and faster.", min=2)] = ROWS,
    resamples: Annotated[int, typer.Option(help="Resamples of all samples, for the intervals; 0 for none.", min=0)] = RESAMPLES,
    now: Annotated[list[str] | None, typer.Option(help="name=share of a mixture to compare with; repeatable.")] = None,
    trained: Annotated[str | None, typer.Option(help="Table of trained mixtures: share_NAME of each source, examples, accuracy; at two sizes or more.")] = None,
    examples: Annotated[list[str] | None, typer.Option(help="Size to project accuracy to, with --trained; repeatable; by default twice the largest trained.")] = None,
    keep: Annotated[Path | None, typer.Option(help="File that resamples are kept in as they are made; a killed call with it goes on.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Page to draw shares, distances and trained mixtures on: .html.")] = None,
    where: Where = None, level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Which proportions of sources are nearest to a target by optimal transport, from samples of each.

    For sources of which only samples are to be seen. Nearness is not accuracy: train the mixture beside even shares and
    single sources before it is relied on, and give those runs by --trained to see what a distance is worth. Needs
    pip install 'allometry[selection]'.
    """
    check_page(figure)
    check_library()
    if keep is not None:
        check_out(keep, "--keep")
    settings = Settings(seed=seed, level=level_of(level, 0.9))
    names = tuple(name.strip() for name in features.split(","))
    samples = read_samples(_named(sources), target, features=names, label=label, rows=rows, seed=seed)
    with progress("resamples", resamples) as tick:
        found = choose_sources(
            samples, trained=trained, examples=[parse_number(one, "--examples") for one in examples or ()],
            now=quantities(now, "--now") or None, label_weight=label_weight, resamples=resamples, where=where,
            settings=settings, kept=keep, tick=tick,
        )  # fmt: skip
    if figure is not None:
        from allometry.reports.selection import write_selection_page

        write_selection_page(found, figure)
    if json:
        print_json({**found.as_json(), "seed": seed, "figure": None if figure is None else str(figure)})
    else:
        _show(found, figure)


def _named(texts: list[str]) -> dict[str, Path]:
    """Files by the names of their sources."""
    found = dict[str, Path]()
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or Path(text).exists():
            name, path = Path(text).stem, text
        if name in found:
            raise Refused("name-twice", f"two sources are called {name}", "SOURCE", "write NAME=FILE")
        found[name] = Path(path)
    return found


def _show(found: Chosen, figure: Path | None) -> None:
    print_table("mixture nearest to the target", ("source", "share", "low", "high"), [
        (name, *("-" if end is None else f"{end:.1%}" for end in (share.value, share.low, share.high)))
        for name, share in found.selection.shares.items()
    ])  # fmt: skip
    away = found.selection.distance
    rows = [
        (name, *(interval_cells(away)[:3] if not i else (number(distance), "-", "-")))
        for i, (name, distance) in enumerate(found.distances.items())
    ]
    print_table("distance to the target", ("mixture", "distance", "low", "high"), rows)
    print_lines(
        f"no mixture is nearer than this one by more than {number(found.selection.gap)}: proven, of these samples"
    )
    if found.projected:
        print_table(f"accuracy, by {found.trained.projection.fit.law.name}" if found.trained else "", ("mixture", "examples", "accuracy", "low", "high"), [
            (one.mixture, number(one.examples), *_accuracy(one.accuracy)) for one in found.projected
        ])  # fmt: skip
    print_lines(*(f"[{step.mark}] {step.name}: {step.says}" for step in found.steps))
    print_notices(found.notices)
    if figure is not None:
        print_lines(f"drawn in {figure}")


def _accuracy(told: Interval) -> tuple[str, ...]:
    return tuple("-" if end is None else f"{end:.3f}" for end in (told.value, told.low, told.high))
