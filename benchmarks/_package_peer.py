"""The `chinchilla` package on the same runs, where it is installed: the published objective from 3**5 starts."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from _scipy_peer import DELTA, Table, objective
from allometry.runs import Rows

GRID = {
    "e": (-1.0, 0.0, 1.0),
    "a": (0.0, 12.5, 25.0),
    "b": (0.0, 12.5, 25.0),
    "alpha": (0.0, 1.0, 2.0),
    "beta": (0.0, 1.0, 2.0),
}


def log_huber(measured: Any, predicted: Any) -> Any:
    size = np.abs(np.log(np.asarray(predicted, float)) - np.log(np.asarray(measured, float)))
    inside = np.minimum(size, DELTA)
    return inside * (size - 0.5 * inside)


def compare(rows: Rows, table: Table) -> str:
    """Its process time with that of its workers, and the objective where it stopped."""
    try:
        from chinchilla import Chinchilla
    except ImportError:
        return "package chinchilla: not importable here"
    with tempfile.TemporaryDirectory() as folder:
        columns = (6 * rows.axes["params"] * rows.axes["tokens"], rows.axes["params"], rows.axes["tokens"], rows.target)
        lines = ["C,N,D,loss", *(",".join(map(repr, map(float, row))) for row in zip(*columns, strict=True))]
        (Path(folder) / "df.csv").write_text("\n".join(lines) + "\n")
        ranges = {"C": (1e15, 1e16), "N_to_D": (10, 100)}
        made = Chinchilla(folder, param_grid=GRID, seed_ranges=ranges, loss_fn=log_huber, log_level=40)
        seconds = _process_time(made)
    found = made.get_params()
    v = np.array([np.log(found["A"]), np.log(found["B"]), np.log(found["E"]), found["alpha"], found["beta"]])
    return f"package chinchilla, its own search from 3**5 starts of the same ranges: {seconds:.1f} s, F {objective(v, table):.12f}"


def _process_time(made: Any) -> float:
    begun, before = time.process_time(), os.times()
    made.visualizer.optim = lambda *_, **__: None  # drawing is not fitting
    made.fit()
    after = os.times()
    workers = after.children_user + after.children_system - before.children_user - before.children_system
    return time.process_time() - begun + workers
