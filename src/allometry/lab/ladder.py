"""Train a list of runs, append a row as each ends, and resume after a kill.

Rows are appended and flushed one at a time by this process alone; worker processes only
train. A run that was cut off left no row, so it is simply run again.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from allometry.costs import Shape, training_flops
from allometry.lab.corpus import read_corpus
from allometry.lab.training import Measurement, Recipe, train

COLUMNS = (
    "run_id", "layers", "width", "heads", "ffn", "params", "non_embedding_params", "tokens", "flops",
    "flops_with_attention", "batch_tokens", "steps", "learning_rate", "seed", "step", "train_loss", "loss", "seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run of a ladder: a shape, a budget in tokens and a seed."""

    shape: Shape
    tokens: int
    seed: int

    @property
    def run_id(self) -> str:
        return f"d{self.shape.width}-l{self.shape.layers}-{self.tokens}-s{self.seed}"

    @property
    def cost(self) -> float:
        return float(self.shape.parameters().total) * self.tokens


def measure(run: Run, recipe: Recipe) -> list[dict[str, object]]:
    """Train one run on one thread; its rows, one an evaluation, the last at its end."""
    import torch

    torch.set_num_threads(1)
    return [row(run, recipe, m) for m in train(run.shape, run.tokens, run.seed, read_corpus(), recipe)]


def row(run: Run, recipe: Recipe, measured: Measurement) -> dict[str, object]:
    """A table row. `flops` is 6 x params x tokens; `flops_with_attention` is counted by component."""
    parts, shape = run.shape.parameters(), run.shape
    values = (
        run.run_id, shape.layers, shape.width, shape.heads, shape.ffn, parts.total, parts.non_embedding,
        measured.tokens, 6.0 * parts.total * measured.tokens, training_flops(shape, measured.tokens, recipe.context),
        recipe.batch_tokens, run.tokens // recipe.batch_tokens, recipe.peak(shape), run.seed, measured.step,
        round(measured.train_loss, 6), round(measured.loss, 6), round(measured.seconds, 1),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def run_ladder(runs: Iterable[Run], recipe: Recipe, table: Path, workers: int, report: Callable[[str], None]) -> None:
    """Run what `table` does not hold yet, cheapest first, in `workers` processes of one thread."""
    done = finished(table)
    todo = sorted((r for r in runs if r.run_id not in done), key=lambda r: r.cost)
    for run, rows in _measured(todo, recipe, workers):
        append(table, rows)
        report(f"{run.run_id}: loss {rows[-1]['loss']} in {rows[-1]['seconds']} s")


def _measured(todo: list[Run], recipe: Recipe, workers: int) -> Iterator[tuple[Run, list[dict[str, object]]]]:
    with ProcessPoolExecutor(workers) as pool:
        futures = {pool.submit(measure, run, recipe): run for run in todo}
        for future in as_completed(futures):
            yield futures[future], future.result()


def finished(table: Path) -> set[str]:
    """Ids of the runs whose last step is in the table."""
    if not table.exists():
        return set()
    with table.open(newline="") as file:
        return {r["run_id"] for r in csv.DictReader(file) if r["step"] == r["steps"]}


def append(table: Path, rows: list[dict[str, object]]) -> None:
    """Append rows, flushed to disk before this returns."""
    new = not table.exists()
    with table.open("a", newline="") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
