"""The final checkpoints of (Mis)Fitting's own runs: the authors' table with names in full."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, read_csv

NAMES = {
    "C4 Eval Loss": "loss_c4", "N": "params", "N_no_emb": "params_non_embedding", "D": "tokens", "C": "flops",
    "peak_lr": "lr",
}  # fmt: skip


def convert(checkout: Path) -> Columns:
    source = read_csv(checkout, "data/scaling_results_last_ckpt_only.csv")
    return {NAMES.get(name, name): column for name, column in source.items()}
