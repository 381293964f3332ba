"""`allometry data score`: how hard each example of a pool is, by one metric."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from allometry.cli.data._options import METRICS, SAMPLE, Clusters, Columns, Embeddings, PoolFile, Sample, opened
from allometry.cli.options import Json, Seed, check_page
from allometry.cli.output import number, print_json, print_lines, print_table, progress
from allometry.data.pruning import ScoreSettings, check_apart, find_metric, read_scores, score_to_file

QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


def score(
    pool: PoolFile,
    metric: Annotated[str, typer.Option(help=METRICS)],
    out: Annotated[Path, typer.Option(help="Table of row and score to write: .parquet or .csv; or .npy, the scores alone.")],
    figure: Annotated[Path | None, typer.Option(help="Page to draw how the scores are spread: .html.")] = None,
    embeddings: Embeddings = None, columns: Columns = None, clusters: Clusters = None, sample: Sample = SAMPLE,
    seed: Seed = 0, json: Json = False,
) -> None:  # fmt: skip
    """Score every example of a pool by a metric of difficulty; higher is harder.

    The pool is read in batches and need not fit in memory. A killed call goes on from the last whole part,
    1,048,576 rows, kept in OUT.parts until the table is whole; a smaller pool starts again.
    """
    check_page(figure)
    found = opened(pool, embeddings, columns)
    if figure is not None:
        check_apart(figure, *found.files)
    with progress(f"scoring by {metric}", found.height) as tick:
        told = score_to_file(found, metric, out, ScoreSettings(seed, clusters, sample), tick)
    scores = read_scores(out)
    values = np.quantile(scores, QUANTILES)
    if figure is not None:
        from allometry.reports.pruning import write_score_page

        write_score_page(scores, metric, figure)
    if json:
        quantiles = {f"{share:g}": float(value) for share, value in zip(QUANTILES, values, strict=True)}
        print_json({
            "pool": str(pool), "metric": metric, "source": find_metric(metric).source, "rows": told.rows, "kept": told.rows,
            "resumed": told.resumed, "quantiles": quantiles, "curve": [], "seed": seed, "out": str(out),
            "figure": None if figure is None else str(figure), "complete": True,
        })  # fmt: skip
        return
    resumed = f", {told.resumed} of them by an earlier call" if told.resumed else ""
    print_lines(f"{told.rows} examples scored by {metric}{resumed}; higher is harder", find_metric(metric).does)
    names = ("easiest", "5%", "median", "95%", "hardest")
    print_table("scores", names, [[number(float(value)) for value in values]])
    print_lines(f"written to {out}", *([] if figure is None else [f"drawn in {figure}"]))
