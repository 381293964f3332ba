"""`allometry data prune`: which examples of a pool to keep, and whether keeping them paid."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from allometry.cli.data._options import METRICS, SAMPLE, Clusters, Columns, Embeddings, PoolFile, Sample, opened
from allometry.cli.options import Json, Level, Seed, check_page, level_of
from allometry.cli.output import number, print_json, print_lines, print_table, progress
from allometry.data.pools import Pool, check_kind, write_rows
from allometry.data.pruning import (
    BALANCE,
    Curve,
    Pruned,
    ScoreSettings,
    check_apart,
    check_written,
    parts_of,
    pruning_curve,
    read_scores,
    score_in_parts,
    write_scores,
)
from allometry.data.pruning import prune as keep_of
from allometry.expressions import parse_number
from allometry.notices import Interval, Refused

SIDES = ("auto", "hardest", "easiest")
_SHOWN = 8


def prune(
    pool: PoolFile,
    keep: Annotated[float, typer.Option(help="Fraction of the examples to keep, e.g. 0.5.")],
    out: Annotated[Path, typer.Option(help="Table of row and score to write: .parquet or .csv; or .npy, the rows alone.")],
    metric: Annotated[str | None, typer.Option(help=f"Score by this first. {METRICS}")] = None,
    scores: Annotated[Path | None, typer.Option(help="Scores instead: what `data score` wrote, or any table with a column score.")] = None,
    side: Annotated[str, typer.Option(help="hardest, easiest, or auto: by how much data there is per parameter, which needs --params.")] = "auto",
    params: Annotated[str | None, typer.Option(help="Parameters of the model to be trained, e.g. 25M.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of classes, each of which keeps its floor.")] = None,
    balance: Annotated[float, typer.Option(help="That floor, as a share of what all would keep alike.")] = BALANCE,
    runs: Annotated[str | None, typer.Option(help="Table of trained runs: metric, examples, error; adds the curve of each metric beside random.")] = None,
    kept_pool: Annotated[Path | None, typer.Option("--kept-pool", help="File for the kept examples themselves, every column: a .parquet, .csv, .jsonl or .npy, as the pool is.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Page to draw the scores and the cut on, the theory with --params, and the curves of --runs: .html.")] = None,
    embeddings: Embeddings = None, columns: Columns = None, clusters: Clusters = None, sample: Sample = SAMPLE,
    level: Level = None, seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Keep the hardest or the easiest part of a pool, with a floor for every class.

    Which side is the rule of the theory: hard examples with much data per parameter, easy ones with little. It is assumed
    of networks, so train on what is kept and on as many random examples, and give the table of those runs by --runs.
    A killed call goes on with the scores it had, which are kept in OUT.parts until everything is written.
    """
    if side not in SIDES:
        raise Refused("bad-option", f"{side!r} is no side", "--side", f"choose one of {', '.join(SIDES)}")
    if (metric is None) == (scores is None):
        raise Refused(
            "bad-option", "scores come from a metric or from a file", "--metric", "give --metric or --scores, not both"
        )
    size = None if params is None else parse_number(params, "--params")
    keep_of([0.0, 1.0], keep, "hardest", balance=balance)  # refuses bad numbers before anything is scored
    if side == "auto" and size is None:
        keep_of([0.0], keep, "auto")
    found, given = opened(pool, embeddings, columns), [path for path in (scores, runs) if path is not None]
    check_page(figure)
    check_written(out, *found.files, *given)
    for other in (kept_pool, figure):
        if other is not None:
            check_apart(other, *found.files, *given)
    if kept_pool is not None:
        check_kind(found, kept_pool)
    _refuse_twice(out, kept_pool, figure)
    labels = None if label is None else _labels(found, label)
    curves = _curves(runs, level_of(level, 0.9), seed)
    settings = ScoreSettings(seed, clusters, sample)
    values = read_scores(scores) if scores is not None else _scored(found, cast(str, metric), parts_of(out), settings)
    if len(values) != found.height:
        message = f"there are {len(values)} scores and {found.height} examples"
        raise Refused("ragged", message, str(scores), "score this pool again")
    kept = keep_of(values, keep, cast(Any, side), parameters=size, labels=labels, balance=balance)
    if kept_pool is not None:
        with progress("writing the kept examples", found.height) as tick:
            write_rows(found, kept.rows, kept_pool, tick)
    if figure is not None:
        from allometry.reports.pruning import write_pruning_page

        write_pruning_page(values, kept, size, curves, level_of(level, 0.9), figure)
    write_scores(out, values[kept.rows], kept.rows)
    if metric is not None:
        shutil.rmtree(parts_of(out))
    written = {"out": out, "kept_pool": kept_pool, "figure": figure}
    if json:
        print_json(prune_json(pool, metric, kept, curves, written, seed))
    else:
        _show(kept, curves, written)


def _labels(pool: Pool, label: str) -> Any:
    pool.need([label], "--label")
    return pool.column(label)


def _refuse_twice(*files: Path | None) -> None:
    named = [file.absolute() for file in files if file is not None]
    for file in named:
        if named.count(file) > 1:
            raise Refused("written-twice", "two answers would be written to one file", str(file), "give each its own")


def prune_json(
    pool: Path, metric: str | None, kept: Pruned, curves: Sequence[Curve], written: Mapping[str, Path | None], seed: int
) -> dict[str, Any]:
    """What `data prune --json` says."""
    return {
        "pool": str(pool), "metric": metric, "rows": kept.height, "kept": len(kept.rows), "fraction": kept.fraction,
        "side": kept.side, "threshold": kept.threshold, "classes": {name: {"kept": a, "of": b} for name, (a, b) in kept.classes.items()},
        "steps": [step.as_json() for step in kept.steps], "curve": [curve.as_json() for curve in curves],
        "seed": seed, **{name: None if path is None else str(path) for name, path in written.items()}, "complete": True,
    }  # fmt: skip


def _scored(pool: Pool, metric: str, folder: Path, settings: ScoreSettings) -> Any:
    """The scores, by way of parts that stay until the answer is written."""
    with progress(f"scoring by {metric}", pool.height) as tick:
        return score_in_parts(pool, metric, folder, settings, tick)[0]


def _curves(table: str | None, level: float, seed: int) -> Sequence[Curve]:
    if table is None:
        return ()
    from allometry.runs import read_runs

    return pruning_curve(read_runs(table), level=level, seed=seed)


def _show(kept: Pruned, curves: Sequence[Curve], written: Mapping[str, Path | None]) -> None:
    way = "from" if kept.side == "hardest" else "up to"
    print_lines(
        f"{len(kept.rows)} of {kept.height} examples kept, the {kept.side}: scores {way} {number(kept.threshold)}"
    )
    if kept.classes:
        few = sorted(kept.classes.items(), key=lambda item: item[1][0] / item[1][1])[:_SHOWN]
        rows = [(name, a, b, f"{a / b:.0%}") for name, (a, b) in few]
        print_table("classes that keep least", ("class", "kept", "of", "share"), rows)
    print_lines(*(f"[{step.mark}] {step.name}: {step.says}" for step in kept.steps))
    for curve in curves:
        _show_curve(curve)
    if len(curves) > 1:
        print_lines("who is ahead is told over all places together (Holm), each interval for its own place")
    print_lines(f"written to {written['out']}")
    if written["kept_pool"] is not None:
        print_lines(f"the examples themselves in {written['kept_pool']}")
    if written["figure"] is not None:
        print_lines(f"drawn in {written['figure']}")


def _show_curve(curve: Curve) -> None:
    rows = [
        (number(place.examples), place.runs, number(place.error), _ends(place.ratio), place.ahead or "-")
        for place in curve.places
    ]
    print_table(curve.name, ("examples", "runs", "error", "of random's", "ahead"), rows)
    print_lines(f"exponent {_ends(curve.exponent)}; {curve.verdict}: {curve.reason}")


def _ends(value: Interval) -> str:
    return number(value.value) + ("" if value.low is None else f" [{number(value.low)}, {number(value.high)}]")
