"""Hyper-parameters tried at a rung: the best of them is kept, and rungs tuned for one arm only are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Notice, Refused
from allometry.plans._arms_rungs import Rungs
from allometry.runs import Rows, Runs, is_hyperparameter

_LISTED = 5


def tuned_columns(runs: Runs, asked: Sequence[str] | None, leave_out: Iterable[str]) -> list[str]:
    """The hyper-parameter columns: those asked for, or those known by their name."""
    if asked is not None:
        for name in asked:
            runs.column(name)
        return list(asked)
    return [name for name in runs.columns if is_hyperparameter(name) and name not in set(leave_out)]


@dataclass(frozen=True, eq=False)
class Tried:
    """How many settings of the hyper-parameters were tried at each rung (k,), and the rows (n,) of the best."""

    count: NDArray[np.int64]
    best: NDArray[np.bool_]


def tried_at(rows: Rows, rungs: Rungs, runs: Runs, columns: Sequence[str], lower: bool) -> Tried:
    """The settings tried at each rung; the best is that of the best mean over its own rows.

    Rungs with rows at several settings of the law's axes, such as checkpoints, go by the last.
    """
    count, best = np.ones(len(rungs), np.int64), np.ones(len(rows), bool)
    if not columns:
        return Tried(count, best)
    place = {int(row): i for i, row in enumerate(runs.row_numbers)}
    taken = [place[int(row)] for row in rows.numbers]
    keys = [tuple(str(runs.columns[name][i]) for name in columns) for i in taken]
    for rung in range(len(rungs)):
        own = np.flatnonzero(rungs.of == rung)
        last = [i for i in own if rungs.top[i]]
        means = {
            key: float(np.mean([rows.target[i] for i in last if keys[i] == key])) for key in {keys[i] for i in last}
        }
        count[rung] = len(means)
        chosen = sorted(means, key=lambda key: (means[key] if lower else -means[key], key))[0]
        best[own] = [keys[i] == chosen for i in own]
    return Tried(count, best)


def tuning_notices(
    names: tuple[str, str],
    tried: tuple[Tried, Tried],
    rungs: tuple[Rungs, Rungs],
    pairs: Sequence[tuple[int, int]],
    columns: Sequence[str],
    kept_best: bool,
) -> list[Notice]:
    """That the best of several is used, or all; and the rungs where only one arm was tuned."""
    several = [int(np.sum(one.count > 1)) for one in tried]
    if not any(several):
        return []
    shares = " and ".join(
        f"{k} of {len(one.count)} rungs of {name}" for name, k, one in zip(names, several, tried, strict=True)
    )
    said = (
        Notice("best-of-tried", f"several settings of {', '.join(columns)} were tried at {shares}: the best of each rung is "
               "kept, which is a little lower than a typical run of it; --tried all keeps every row")
        if kept_best
        else Notice("all-tried", f"several settings of {', '.join(columns)} were tried at {shares}: all of them are fitted, "
                    "also those badly tuned")
    )  # fmt: skip
    return [said, *_one_sided(names, tried, rungs, pairs, several)]


def _one_sided(
    names: tuple[str, str],
    tried: tuple[Tried, Tried],
    rungs: tuple[Rungs, Rungs],
    pairs: Sequence[tuple[int, int]],
    several: Sequence[int],
) -> list[Notice]:
    found = []
    for arm in (0, 1):
        alone = [p for p in pairs if tried[arm].count[p[arm]] > 1 and tried[1 - arm].count[p[1 - arm]] == 1]
        where = [_label(rungs[arm], pair[arm]) for pair in alone]
        if not pairs and several[arm] and not several[1 - arm]:
            where = [_label(rungs[arm], int(i)) for i in np.flatnonzero(tried[arm].count > 1)]
        if where:
            more = f" and {len(where) - _LISTED} more" if len(where) > _LISTED else ""
            message = (
                f"{names[arm]} was tuned and {names[1 - arm]} was not at {'; '.join(where[:_LISTED])}{more}: part of "
                f"the difference may be the tuning"
            )
            found.append(Notice("tuned-one-arm", message))
    return found


def _label(rungs: Rungs, i: int) -> str:
    if rungs.names is not None:
        return str(rungs.names[i])
    return " ".join(f"{name}={values[i]:.4g}" for name, values in rungs.points.items())


def keep_tried(tried: str) -> bool:
    """Whether only the best of those tried is kept."""
    if tried not in ("best", "all"):
        raise Refused("bad-option", f"{tried!r} is neither best nor all", "--tried", "choose one of the two")
    return tried == "best"
