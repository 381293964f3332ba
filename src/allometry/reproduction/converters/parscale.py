"""ParScale's table of runs, which stands as lists in the authors' fitting script; read, never run."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, file_in, literals

TOKENS = 42_000_000_000  # as the paper says; the script does not hold it
LOSSES = {"pile": "pile_loss", "stack_v2_python": "stack_loss"}


def convert(checkout: Path) -> Columns:
    found = literals(file_in(checkout, "parametric_fit.py").read_text(encoding="utf-8"))
    rows = [
        (dataset, size, base, streams, TOKENS, loss)
        for dataset, name in LOSSES.items()
        for sizes, counts, losses in zip(found["params"], found["p"], found[name], strict=True)
        for size, base, streams, loss in zip(sizes, found["params"][0], counts, losses, strict=True)
    ]
    names = ("dataset", "params_non_embedding", "params_base_non_embedding", "streams", "tokens", "loss")
    return dict(zip(names, zip(*rows, strict=True), strict=True))
