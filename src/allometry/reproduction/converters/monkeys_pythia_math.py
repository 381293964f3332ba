"""How many of 10,000 samples each Pythia model solved each MATH problem with: the rows of the source at k = 1."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, file_in

FILE = "data/processed_data/large_language_monkeys_original_pass_at_k.parquet"
NAMES = {
    "model": "Model", "benchmark": "Benchmark", "problem": "Problem Idx", "samples_total": "Num. Samples Total",
    "samples_correct": "Num. Samples Correct",
}  # fmt: skip


def convert(checkout: Path) -> Columns:
    import polars as pl

    table = pl.read_parquet(file_in(checkout, FILE)).filter(pl.col("Scaling Parameter") == 1)
    columns = {name: table[column].to_list() for name, column in NAMES.items()}
    return {**columns, "source": ["pythia_original"] * len(table)}
