"""Which rows are checkpoints of one run.

A `run_id` column says it. Without one it is read off the table where a column of steps
stands beside a column of each run's total steps: rows then belong to one run when every
column agrees that neither measures something nor moves along with the step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.axes import AXES, likely_columns
from allometry.notices import Notice, Refused
from allometry.runs.columns import Column, Floats, codes, is_number
from allometry.runs.mapping import map_option
from allometry.runs.messages import listed_rows

_STEPS = ("step", "current_steps", "current_step", "global_step", "steps_elapsed", "steps_done", "iteration", "iter")
_TOTALS = ("steps", "total_steps", "max_steps", "num_steps", "train_steps", "steps_planned", "total_iterations")
_FLAGS = {"final", "state", "status", "complete", "completed", "finished", "last"}
_MEASURED = {
    "loss", "acc", "accuracy", "error", "err", "perplexity", "ppl", "bpb", "score", "eval", "grad", "time", "date",
    "timestamp", "seconds", "runtime", "throughput",
}  # fmt: skip
# A column of a run's settings is unrelated to the step within a setting; one of its progress follows it closely.
_MOVES = 0.3


@dataclass(frozen=True, eq=False)
class Identity:
    """Which run each row belongs to, what orders the rows of a run, and what says how long it was meant to be."""

    labels: NDArray[np.int64]
    columns: tuple[str, ...]
    order: str | None
    total: str | None
    given: bool


def find_identity(columns: Mapping[str, Column], height: int, where: str) -> tuple[Identity | None, tuple[Notice, ...]]:
    """The runs that rows belong to, given or detected, and what is to be said about it."""
    order, total = _first(_STEPS, columns), _first(_TOTALS, columns)
    if "run_id" in columns:
        labels = _given_labels(columns["run_id"], height, where)
        return Identity(labels, ("run_id",), order or _first(("tokens",), columns), total, given=True), ()
    if order is None or total is None:
        return None, tuple(_likely_checkpoints(columns, order))
    found = _detect(columns, height, order, total)
    return found, () if found is None else (_announce(found),)


def _first(names: tuple[str, ...], columns: Mapping[str, Column]) -> str | None:
    return next((name for name in names if name in columns and is_number(columns[name])), None)


def _given_labels(run_id: Column, height: int, where: str) -> NDArray[np.int64]:
    missing = np.isnan(run_id) if is_number(run_id) else np.array([value is None for value in run_id], dtype=bool)
    if missing.any():
        rows = listed_rows(np.flatnonzero(missing))
        raise Refused("missing-run-id", f"`run_id` is empty in {rows}", where, "name the run of every row")
    return codes([run_id], height)


def _detect(columns: Mapping[str, Column], height: int, order: str, total: str) -> Identity | None:
    """Settings are joined to the identity one by one, those of fewest values first, unless one pulls the runs apart."""
    chosen = [total, *(name for name, column in columns.items() if not is_number(column) and not measures(name))]
    labels, step = codes((columns[name] for name in chosen), height), columns[order]
    for name in _settings(columns, labels, order, total):
        finer = codes((labels, columns[name]), height)
        if _in_several_steps(finer, step) >= _in_several_steps(labels, step) / 2:
            chosen, labels = [*chosen, name], finer
    found = _in_several_steps(labels, step) >= height / 2
    return Identity(labels, tuple(chosen), order, total, given=False) if found else None


def _settings(columns: Mapping[str, Column], labels: NDArray[np.int64], order: str, total: str) -> list[str]:
    numeric = [n for n, c in columns.items() if is_number(c) and n not in (order, total) and not measures(n)]
    still = [name for name in numeric if not _moves_along(columns[name], columns[order], labels)]
    return sorted(still, key=lambda name: len(np.unique(columns[name])))


def measures(name: str) -> bool:
    """Whether a column's name says that it measures something, or flags how a run ended."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    metric = name in AXES and AXES[name].kind == "metric"
    return metric or bool(words & (_MEASURED | _FLAGS))


def _moves_along(column: Floats, step: Floats, labels: NDArray[np.int64]) -> bool:
    """Whether the column follows the step within rows of equal labels (absolute correlation of the logarithms)."""
    sound = np.isfinite(column) & np.isfinite(step)
    if not sound.any():
        return True
    x, y = (_within(_logged(values[sound]), labels[sound]) for values in (column, step))
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return spread > 0 and abs(float((x * y).sum())) > _MOVES * spread


def _logged(values: Floats) -> Floats:
    return np.log(values) if bool((values > 0).all()) else values


def _within(values: Floats, labels: NDArray[np.int64]) -> Floats:
    counts = np.bincount(labels)
    means: Floats = np.bincount(labels, weights=values) / np.maximum(counts, 1)
    deviations: Floats = values - means[labels]
    # A constant column leaves rounding behind, which would correlate with anything.
    deviations[np.abs(deviations) < 1e-9 * (1 + np.abs(values))] = 0.0
    return deviations


def _in_several_steps(labels: NDArray[np.int64], step: Floats) -> int:
    """Rows whose run has rows at several steps."""
    pairs = np.unique(np.stack([labels, codes([step], len(step))]), axis=1)[0]
    steps_of_run = np.bincount(pairs, minlength=int(labels.max(initial=0)) + 1)
    return int((steps_of_run[labels] > 1).sum())


def _announce(found: Identity) -> Notice:
    runs = len(np.unique(found.labels))
    listed = ", ".join(f"`{name}`" for name in found.columns)
    message = f"no `run_id`: rows that agree in {listed} are taken as checkpoints of one run ({runs} runs), ordered by "
    return Notice("runs-detected", f"{message}`{found.order}`; map a column to `run_id` to say otherwise")


def _likely_checkpoints(columns: Mapping[str, Column], order: str | None) -> list[Notice]:
    sign = order or next((name for name in ("is_final", "final") if name in columns), None)
    if sign is None:
        return []
    likely = likely_columns("run_id", columns, 1)
    mend = f"if they are, map the run's name: {map_option('run_id', likely[0] if likely else 'COLUMN')}"
    return [Notice("likely-checkpoints", f"`{sign}` suggests rows that are checkpoints of one run; {mend}")]
