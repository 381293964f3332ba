"""Step Law's sweep of dense models over learning rate and batch: the authors' table with names in full."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, read_csv

CONTEXT = 2048
NAMES = {
    "hidden": "h", "ffn_hidden": "ffnh", "heads": "numh", "layers": "numl", "lr": "lr", "batch_size_seqs": "bs",
    "steps": "ti", "loss_last": "loss", "loss_smooth": "smooth loss", "exp_name": "exp_name", "tokens": "D",
    "params": "N", "tokens_per_param": "D/N",
}  # fmt: skip


def convert(checkout: Path) -> Columns:
    source = read_csv(checkout, "data/dense_lr_bs_loss.csv")
    rows = len(source["N"])
    return {
        **{name: source[column] for name, column in NAMES.items()},
        "seq_len": [CONTEXT] * rows,
        "batch_size_tokens": [int(sequences) * CONTEXT for sequences in source["bs"]],
        "arch": ["dense"] * rows,
        "lr_min_schedule": [name.rsplit("_mlr", 1)[1] for name in source["exp_name"]],
    }
