"""The checkpoints of every run in order, and how far along its way each one is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.axes import nearest_names
from allometry.expressions import parse_filter
from allometry.notices import Notice, Refused
from allometry.runs import Runs
from allometry.runs.columns import Column, Floats, codes, is_number
from allometry.runs.identity import find_identity

FINISHED = 0.99  # of the planned end: trainers rarely evaluate at the very last step
_PLANNED_TOKENS = ("planned_tokens", "tokens_planned", "total_tokens", "train_tokens", "max_tokens", "target_tokens")


@dataclass(frozen=True, eq=False)
class Path:
    """The checkpoints (k,) of one run in order: row numbers, the clock (steps or tokens), and the columns used.

    `planned` is where the clock is meant to end, None where no column says so.
    """

    label: int
    rows: NDArray[np.int64]
    clock: Floats
    planned: float | None
    ended: bool

    @property
    def finished(self) -> bool:
        """Whether it came to its end; a run of which nothing is said is taken as finished at its last row."""
        return self.ended and (self.planned is None or self.clock[-1] >= FINISHED * self.planned)


@dataclass(frozen=True, eq=False)
class Paths:
    """The watched run and the finished others; `clock` is the column that orders checkpoints."""

    runs: Runs
    name: str
    clock: str
    watched: Path
    others: tuple[Path, ...]
    notices: tuple[Notice, ...]


def find_paths(runs: Runs, run: str) -> Paths:
    """The paths of a table that was read with all rows; `run` is the run's id, or a filter that only its rows pass.

    Errors: `Refused` for a table without runs, a run that is not in it, and a column of steps that is missing or empty.
    """
    labels = _labels(runs)
    clock, planned = _clock(runs, labels)
    label = _label_of(runs, labels, run)
    kept, notices = _last_of_each(runs, labels, clock)
    paths = {path.label: path for path in _all(runs, labels, kept, clock, planned)}
    others = tuple(path for path in paths.values() if path.label != label and path.finished)
    if planned is None and "state" not in runs.columns:
        said = "no column says how long runs were meant to be: the others are taken as finished at their last row"
        notices.append(Notice("ends-not-stated", said))
    return Paths(runs, run, clock, paths[label], others, (*runs.notices, *notices))


def _labels(runs: Runs) -> NDArray[np.int64]:
    if runs.run_labels is None:
        mend = "name the column that tells runs apart: --run-column COLUMN"
        raise Refused("no-runs", "nothing in the table says which rows are checkpoints of one run", runs.source, mend)
    return runs.run_labels


def _clock(runs: Runs, labels: NDArray[np.int64]) -> tuple[str, str | None]:
    """The column that orders checkpoints, and the one that says where it is meant to end."""
    found, _ = find_identity({**runs.columns, "run_id": labels.astype(float)}, len(runs), runs.source)
    if found is None or found.order is None:
        mend = "map the step of each row: --map step=COLUMN"
        raise Refused("no-steps", "no column says how far along its run each row is", runs.source, mend)
    if found.order != "tokens":
        return found.order, found.total
    return "tokens", next((name for name in _PLANNED_TOKENS if _is_plan(runs, name, labels)), None)


def _is_plan(runs: Runs, name: str, labels: NDArray[np.int64]) -> bool:
    """Whether a column is one number a run: one that moves counts tokens so far, whatever it is called."""
    if name not in runs.columns or not is_number(runs.columns[name]):
        return False
    return len(np.unique(codes([labels, runs.columns[name]], len(runs)))) == len(np.unique(labels))


def _label_of(runs: Runs, labels: NDArray[np.int64], run: str) -> int:
    names = [run_name(value) for value in runs.columns["run_id"].tolist()] if "run_id" in runs.columns else []
    if run in names:
        return int(labels[names.index(run)])
    mask = _filtered(runs, run)
    if mask is None or not mask.any():
        near = ", ".join(f"`{other}`" for other in nearest_names(run, dict.fromkeys(names)))
        mend = f"the nearest are {near}" if near else "name it by a filter, e.g. --run 'model == \"a\" and lr == 0.001'"
        raise Refused("unknown-run", f"no run is called `{run}`", runs.source, mend)
    if len(found := np.unique(labels[mask])) > 1:
        apart = [name for name, values in runs.columns.items() if _tells(values, labels, mask)]
        mend = f"they differ in {', '.join(f'`{name}`' for name in apart[:6])}" if apart else "name one by its id"
        raise Refused("several-runs", f"`{run}` holds for {len(found)} runs", "--run", mend)
    return int(found[0])


def run_name(value: object) -> str:
    """An id as it is typed: 3.0 is 3."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _filtered(runs: Runs, run: str) -> NDArray[np.bool_] | None:
    try:
        names = parse_filter(run).names
    except Refused:
        return None
    return runs.matches(run) if names and all(name in runs.columns for name in names) else None


def _tells(values: Column, labels: NDArray[np.int64], mask: NDArray[np.bool_]) -> bool:
    """Whether a column is one value a run and differs between the runs of the mask."""
    own, runs = codes([values[mask]], int(mask.sum())), codes([labels[mask]], int(mask.sum()))
    return own.max() > 0 and len(np.unique(codes([own, runs], len(own)))) == runs.max() + 1


def _last_of_each(runs: Runs, labels: NDArray[np.int64], clock: str) -> tuple[NDArray[np.int64], list[Notice]]:
    """Rows in the order of run and clock, the last one given of every step."""
    step = runs.columns[clock]
    missing = ~np.isfinite(step)
    if missing.any():
        row = int(runs.row_numbers[np.flatnonzero(missing)[0]])
        raise Refused("missing-step", f"`{clock}` is empty in row {row}", runs.source, "say how far along each row is")
    order = np.lexsort((runs.row_numbers, step, labels))
    order = order[step[order] > 0]  # before the first step no law says anything
    same = (np.diff(labels[order]) == 0) & (np.diff(step[order]) == 0)
    again = int(same.sum())
    said = f"{again} rows are a step of their run that a later row gives again: the last given counts"
    return order[np.append(~same, True)], [Notice("steps-again", said)] if again else []


def _all(runs: Runs, labels: NDArray[np.int64], kept: NDArray[np.int64], clock: str, planned: str | None) -> list[Path]:
    ended = np.ones(len(runs), dtype=bool)
    if "state" in runs.columns:
        words = [str(value).strip().lower() if value else "finished" for value in runs.columns["state"]]
        ended = np.array([word == "finished" for word in words])
    found = []
    for rows in np.split(kept, np.flatnonzero(np.diff(labels[kept])) + 1):
        ends = np.array([]) if planned is None else runs.columns[planned][rows]
        stated = ends[np.isfinite(ends)]
        end = float(stated[-1]) if len(stated) else None
        found.append(Path(int(labels[rows[0]]), rows, runs.columns[clock][rows], end, bool(ended[rows].all())))
    return found
