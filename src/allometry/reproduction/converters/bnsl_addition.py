"""The learning curve of 4-digit addition, which stands as two arrays in the authors' script; read, never run."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, file_in, literals

SCRIPT = "fit_bnsl_and_extrapolate__4_digit_addition__dataset_size_x-axis.py"


def convert(checkout: Path) -> Columns:
    found = literals(file_in(checkout, SCRIPT).read_text(encoding="utf-8"))
    fitted = found["split_point"]
    return {
        "train_examples": [float(x) for x in found["x"]],
        "loss": found["y"],
        "split": ["fit" if i < fitted else "extrapolate" for i in range(len(found["x"]))],
    }
