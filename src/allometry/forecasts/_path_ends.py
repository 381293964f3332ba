"""Where an unfinished run will end: the shares of its way that its checkpoints are at, and the law's axes there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from allometry.forecasts._paths import Paths
from allometry.laws import Law
from allometry.notices import Refused
from allometry.runs import is_schedule_axis
from allometry.runs.columns import Floats, is_number
from allometry.runs.mapping import missing_axis

PAST = 1.05  # of the planned end; beyond it the plan is not that of this run
STEADY = 0.02  # relative: an axis that grows with the clock keeps its ratio to it within this
_ACCRUED = ("tokens", "flops", "bytes", "characters", "epochs", "steps", "step", "seconds")


class End(NamedTuple):
    """Shares (k,) of the watched run's checkpoints, and each axis of the law at its end."""

    share: Floats
    point: dict[str, float]
    moving: frozenset[str]

    @property
    def reached(self) -> bool:
        """Whether the last checkpoint is at the end, up to the rounding of shares."""
        return bool(self.share[-1] >= 1 - 1e-9)


def find_end(paths: Paths, law: Law, end: Mapping[str, float], steps: float | None = None) -> End:
    """The end as the user gives it, by steps or by the first of `end`, else as the table plans it.

    Errors: `Refused` for a law of schedules, an end that nobody states, one that lies before the last checkpoint, and
    an axis that does not grow in step with the run and is not given.
    """
    scheduled = [name for name in law.axes if is_schedule_axis(name)]
    if scheduled:
        message = f"{law.name} needs the schedule of the rest of the run ({scheduled[0]})"
        raise Refused("schedule-law", message, "--law", "watch by a law of size and tokens, such as chinchilla")
    for name in law.axes:
        if name not in paths.runs.columns:
            raise missing_axis(name, paths.runs.columns, paths.runs.source)
    share = _share(paths, end, steps)
    moving = _moving(paths, law) | (frozenset(end) & frozenset(law.axes))
    return End(share, {name: _at_end(paths, name, share, end, name in moving) for name in law.axes}, moving)


def _share(paths: Paths, end: Mapping[str, float], steps: float | None) -> Floats:
    clock, named = paths.watched.clock, paths.clock
    planned = paths.watched.planned if steps is None else steps
    option = "--end" if steps is None else "--steps"
    if steps is not None and named == "tokens":
        raise Refused(
            "no-steps", "the table has no column of steps", "--steps", "give --end in tokens, or map step=COLUMN"
        )
    if end:
        named, planned = next(iter(end.items()))
        column = paths.runs.column(named)
        if not is_number(column):
            raise Refused("bad-end", f"`{named}` is text", "--end", "name a column that grows along the run")
        clock = column[paths.watched.rows]
    if planned is None:
        by_steps = "" if named == "tokens" else "--steps 20000 or "
        mend = f'say where it ends, e.g. {by_steps}--end "tokens=2e10"'
        raise Refused("no-end", "nothing in the table says where this run is to end", paths.runs.source, mend)
    if not (np.isfinite(planned) and planned > 0) or not (np.isfinite(clock) & (np.diff(clock, prepend=-1) > 0)).all():
        raise Refused(
            "bad-end", f"`{named}` does not grow to {planned:g} along the run", option, "give the end of this run"
        )
    if clock[-1] > PAST * planned:
        message = f"the last checkpoint is at {named} {clock[-1]:g}, beyond the end at {planned:g}"
        raise Refused("past-end", message, option, "give the end of this run")
    return np.asarray(clock / planned)


def _moving(paths: Paths, law: Law) -> frozenset[str]:
    """The axes that grow along a run: as the watched run shows, else the others, else by what they count."""
    for path in (paths.watched, *paths.others):
        if len(path.rows) > 1:
            columns = {name: paths.runs.column(name)[path.rows] for name in law.axes}
            return frozenset(name for name, column in columns.items() if len(np.unique(column)) > 1)
    return frozenset(law.axes) & frozenset(_ACCRUED)


def _at_end(paths: Paths, name: str, share: Floats, end: Mapping[str, float], moves: bool) -> float:
    column = np.asarray(paths.runs.column(name)[paths.watched.rows], float)
    if name in end:
        return float(end[name])
    if not moves:
        return float(column[-1])
    whole = column / share
    if not np.allclose(whole, whole[-1], rtol=STEADY):
        message = f"`{name}` does not grow in step with the run, so its value at the end is not known"
        raise Refused("unknown-end", message, paths.runs.source, f'add it: --end "... {name}=VALUE"')
    return float(whole[-1])
