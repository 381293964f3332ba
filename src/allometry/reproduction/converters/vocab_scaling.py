"""The vocabulary sweep of Tao et al.: the authors' table with names in full."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, read_csv

NAMES = {
    "vocab_size": "vocab_size", "embed_dim": "hidden", "num_characters": "characters",
    "Non_vocab_parameters": "params_non_vocab", "FLOPs": "flops", "Lossu": "loss_unigram_normalised",
}  # fmt: skip


def convert(checkout: Path) -> Columns:
    source = read_csv(checkout, "exp_data.csv")
    return {name: [float(text) for text in source[column]] for column, name in NAMES.items()}
