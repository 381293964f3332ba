"""`allometry import`: runs from a tracker, a folder of logs or results files as one table, with the mapping that reads it."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from allometry.cli.options import Json, assignments
from allometry.cli.output import print_json, print_lines, print_notices, progress
from allometry.runs import Imported, import_runs

LISTED = 12
# More readers than this wait for the disk or the server.
MOST_JOBS = 8


def import_(
    source: Annotated[str, typer.Argument(help="wandb:ENTITY/PROJECT, wandb:DIR, mlflow:URI#EXPERIMENT, tensorboard:DIR, trainer:DIR, lm-eval:DIR, inspect:DIR, nanochat:FILE, csv:DIR; a path whose files say what they are needs no prefix.")],
    out: Annotated[Path, typer.Option(help="Table to write: .parquet or .csv.")],
    metric: Annotated[list[str] | None, typer.Option(help="Metric to import, e.g. loss=eval/loss; the first gives the rows. All metrics without it. Repeatable.")] = None,
    map: Annotated[list[str] | None, typer.Option(help="axis=NAME of a setting or a logged metric, e.g. params=n_params; repeatable.")] = None,
    batch_tokens: Annotated[str | None, typer.Option(help="Tokens of one step: a number, a setting or metric, or a product such as batch_size*seq_len.")] = None,
    step: Annotated[str | None, typer.Option(help="Metric that holds the training step, where the source's own steps count something else.")] = None,
    join: Annotated[str, typer.Option(help="What parts of one resumed run share: id, name, or a setting.")] = "id",
    settings: Annotated[Path | None, typer.Option(help="Table with run_id or run_name and settings that the source does not know, such as params.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes that read; by default one a core.", min=1)] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Bring runs into one table: run id, state, tags, settings, step, tokens and metrics.

    Writes OUT and, beside it, OUT's .map.toml, which says which column is which standard name:
    allometry fit runs.parquet --map-file runs.map.toml. What was read is kept in a folder beside the table, so that
    an import that was stopped goes on, and the next one reads only what changed.
    """
    found = import_runs(
        source, out, metrics=_metrics(metric), map=assignments(map, "--map"), batch_tokens=batch_tokens, step=step,
        join=join, settings=settings, jobs=jobs or min(os.cpu_count() or 1, MOST_JOBS), progress=progress,
    )  # fmt: skip
    if json:
        print_json(found.as_json())
    else:
        _show(found)


def _metrics(texts: list[str] | None) -> dict[str, str]:
    """name=metric, or a metric under its own name."""
    return assignments((text if "=" in text else f"{text}={text}" for text in texts or ()), "--metric")


def _show(found: Imported) -> None:
    states = ", ".join(f"{count} {state}" for state, count in found.states.items())
    print_lines(
        f"{found.runs} runs ({states}), {found.rows} rows; {found.read} read now, {found.kept} kept from before"
    )
    print_lines(*(f"{name} is `{column}`" for name, column in found.mapping.items() if name != column))
    for failed in found.failed[:LISTED]:
        print_lines(f"left out {failed.item}: {failed.message}")
    print_notices(found.notices[:LISTED])
    for kind, told in (("items left out", found.failed), ("warnings", found.notices)):
        if len(told) > LISTED:
            print_lines(f"and {len(told) - LISTED} more {kind}: see --json")
    print_lines(f"written to {found.out}; read it so: {_next(found)}")


def _next(found: Imported) -> str:
    return f"allometry runs {quote(str(found.out))} --map-file {quote(str(found.map_file))}"
