"""The arms of a table of pruning runs: which rows make one curve of error over examples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from allometry.notices import Refused
from allometry.runs import Runs

RANDOM, SIZE, KEPT = "random", "examples", "kept"


class ArmRuns(NamedTuple):
    """The runs of one arm: its metric, and the share it keeps where shares are arms of their own."""

    runs: Runs
    metric: str
    kept: float | None

    @property
    def name(self) -> str:
        return self.metric if self.kept is None else f"{self.metric}, {_said(self.kept)} kept"


def pruning_arms(runs: Runs, by: str = "metric", random: str = RANDOM) -> list[ArmRuns]:
    """One arm a metric and kept share, in the order of the table.

    Without a column `kept`, and where a pool's shares have one size each, the metric is one arm; so is random selection
    always: for which examples it was does not matter to it.

    Errors: `Refused` by row for a kept share that is missing or no number.
    """
    found = list[ArmRuns]()
    for metric, own in runs.by(by).items():
        parts = {} if metric == random or KEPT not in own.columns else _by_share(own, metric)
        if not parts or _one_size_each(parts):
            found.append(ArmRuns(own, metric, None))
        else:
            found += [ArmRuns(part, metric, share) for share, part in parts.items()]
    return found


def _by_share(runs: Runs, metric: str) -> dict[float, Runs]:
    """The runs at each share kept; Refused for a row that says none."""
    given = runs.column(KEPT).tolist()
    kept = np.array([_share(value) for value in given])
    for row in np.flatnonzero(~((kept > 0) & (kept <= 1)))[:1]:
        told = f"`kept` is {given[row]}" if given[row] == given[row] and given[row] is not None else "`kept` is empty"
        raise Refused("bad-kept", f"{told} in row {runs.row_numbers[row]} of {metric}: no share of the pool", runs.source,
                      "write half as 0.5, or leave the column out where every metric is one curve")  # fmt: skip
    return {float(share): runs.keep(kept == share, f"another share of {metric} is kept") for share in np.unique(kept)}


def _share(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return np.nan


def _one_size_each(parts: dict[float, Runs]) -> bool:
    """Whether the shares are cuts of one pool: several, each of one size, and no two of the same."""
    sizes = [np.unique(part.column(SIZE)) for part in parts.values()]
    return len(parts) > 1 and len(np.unique(np.concatenate(sizes))) == sum(map(len, sizes)) == len(parts)


def _said(share: float) -> str:
    return "half" if share == 0.5 else f"{share:.3g}"
