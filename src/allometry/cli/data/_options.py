"""Options that score and prune share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from allometry.cli.options import assignments
from allometry.data.pools import Pool, open_pool
from allometry.data.pruning import ScoreSettings, list_metrics

PoolFile: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="POOL", help="Examples, a row each: Parquet, CSV, JSON lines, .npy, .npz, or a folder of tables."
    ),
]
Embeddings: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of embeddings, or a .npy or .npz file of them beside the table.")
]
Columns: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--map", help="name=column where the pool names it otherwise, e.g. label=class; repeatable."),
]
Clusters: TypeAlias = Annotated[
    int | None, typer.Option(help="Clusters of the metric prototype; by default one per 100 rows, 1000 at most.", min=1)
]
Sample: TypeAlias = Annotated[int, typer.Option(help="Rows that the clusters are found on.", min=1)]
SAMPLE = ScoreSettings().sample
METRICS = f"One of: {', '.join(list_metrics())}."


def opened(pool: Path, embeddings: str | None, columns: list[str] | None) -> Pool:
    """The pool by its options."""
    return open_pool(pool, embeddings, assignments(columns, "--map"))
