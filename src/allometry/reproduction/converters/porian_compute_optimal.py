"""The compute-optimal points of Porian et al.: one row for each FLOP budget of each condition."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, file_in, frame_columns, read_compressed, read_frame

FILES = ("summary_df", "summary_df_att", "summary_df_kaplan_tuned_hparams", "summary_df_owt2")
CONDITION = ("dataset", "hparams", "warmup", "decay", "param_count", "val")
MEASURED = (
    "flops", "n", "t", "multiplier", "loss", "loss_t", "n_star_std", "multiplier_star_std", "t_star_std", "loss_star_std",
)  # fmt: skip


def convert(checkout: Path) -> Columns:
    rows = [row for name in FILES for row in _rows(name, file_in(checkout, f"data/{name}.pickle.xz"))]
    return dict(zip(("file", *CONDITION, *MEASURED), zip(*rows, strict=True), strict=True))


def _rows(name: str, path: Path) -> list[tuple[object, ...]]:
    summary = read_frame(read_compressed(path))
    found = []
    for *condition, optima in zip(*(summary[key] for key in (*CONDITION, "optimal_pairs")), strict=True):
        columns = frame_columns(optima)
        found += [(name, *condition, *row) for row in zip(*(columns[key] for key in MEASURED), strict=True)]
    return found
