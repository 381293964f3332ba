"""What a learning-rate schedule was up to a row: its area, and what it fell by, in a few pieces.

Laws of loss curves look at the whole schedule behind a row. A formula cannot sum over thousands of steps, so each
row's past is summed up in K pieces of equal variation of the rate: how far the rate fell in the piece, the rate there,
and the area and the steps since. A piece is computed from the row's own past alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused
from allometry.runs.columns import Column, Floats, is_number
from allometry.runs.messages import listed_rows

STEP, RATE = "step", "current_learning_rate"
_AREA = "lr_area"
_PIECE = re.compile(r"(?P<kind>lr_drop|lr_level|lr_since|lr_after)_(?P<number>[1-9]\d*)")


@dataclass(frozen=True, eq=False)
class History:
    """The steps and rates of every row of a table as given, and the run of each; None where no run is known."""

    columns: Mapping[str, Column]
    labels: NDArray[np.int64] | None

    @classmethod
    def of(cls, columns: Mapping[str, Column], labels: NDArray[np.int64] | None) -> History:
        return cls({name: columns[name] for name in (STEP, RATE) if name in columns}, labels)


def is_schedule_axis(name: str) -> bool:
    """Whether an axis is computed from the schedule of a run.

    >>> is_schedule_axis("lr_area"), is_schedule_axis("lr_drop_3"), is_schedule_axis("learning_rate")
    (True, True, False)
    """
    return name == _AREA or is_schedule_piece(name)


def is_schedule_piece(name: str) -> bool:
    """Whether an axis is of one piece of a schedule, which nobody would read in a table."""
    return _PIECE.fullmatch(name) is not None


def schedule_axes(columns: Mapping[str, Column], names: Iterable[str], labels: Column, where: str) -> dict[str, Floats]:
    """The axes `names` (each (n,)) of every row, from the columns `step` and `current_learning_rate`.

    Use it for laws of loss curves under a schedule; the peak rate alone is the axis `learning_rate`. `lr_area` is the
    sum of the rates of all steps so far, warm-up included, rates between rows on a straight line and the first held
    back to step 0; `lr_drop_j` how far the rate fell in piece j from its first fall on, below zero where it rose;
    `lr_level_j` the rate there, `lr_since_j` and `lr_after_j` the area and the steps since. `labels` (n,) name the run
    of each row, and the highest numbered piece says how many there are.
    Errors: `Refused` for a missing column, and steps or rates that are not usable, with row numbers.

    >>> rows = {"step": np.array([0.0, 100.0, 200.0]), "current_learning_rate": np.array([0.3, 0.3, 0.1])}
    >>> axes = schedule_axes(rows, ["lr_area", "lr_drop_1", "lr_since_1"], np.zeros(3), "here")
    >>> axes["lr_area"].round(6).tolist(), axes["lr_drop_1"].round(6).tolist(), axes["lr_since_1"].round(6).tolist()
    ([0.0, 30.0, 50.0], [0.0, 0.0, 0.2], [0.0, 0.0, 7.5])
    """
    wanted = tuple(names)
    step, rate = (_usable(columns, name, where) for name in (STEP, RATE))
    pieces = max((int(match["number"]) for match in map(_PIECE.fullmatch, wanted) if match), default=1)
    found = {name: np.empty(len(step)) for name in wanted}
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(step[members], kind="stable")]
        _refuse_twice(step, members, where)
        past = _Past.of(step[members], rate[members], pieces)
        for name in wanted:
            found[name][members] = past.axis(name)
    return found


def _usable(columns: Mapping[str, Column], name: str, where: str) -> Floats:
    if name not in columns:
        mend = f"map the step and the rate at it: {STEP}=COLUMN {RATE}=COLUMN, with run_id=COLUMN for several runs"
        raise Refused("no-schedule", f"the learning-rate schedule needs a column `{name}`", where, mend)
    column = columns[name]
    wrong = np.arange(len(column)) if not is_number(column) else np.flatnonzero(~(np.isfinite(column) & (column >= 0)))
    if wrong.size:
        raise Refused(
            "bad-schedule", f"`{name}` is not a number of 0 or more in {listed_rows(wrong)}", where, "mend it"
        )
    return np.asarray(column, dtype=float)


def _refuse_twice(step: Floats, members: NDArray[np.int64], where: str) -> None:
    again = np.flatnonzero(np.diff(step[members]) == 0)
    if again.size:
        rows = listed_rows(members[again[0] : again[0] + 2])
        mend = "map a column to `run_id` where the table holds several runs"
        raise Refused("step-twice", f"{rows} are the same step of one run", where, mend)


@dataclass(frozen=True, eq=False)
class _Past:
    """The past of every row of one run: area so far, and by piece (n, K) drop, level, and area and steps since."""

    area: Floats
    pieces: Mapping[str, Floats]

    @classmethod
    def of(cls, step: Floats, rate: Floats, pieces: int) -> _Past:
        area = rate[0] * step[0] + _cumulated(0.5 * (rate[1:] + rate[:-1]) * np.diff(step))
        # a warm-up is no annealing: what the rate moves by counts from its first fall
        moved = np.abs(np.diff(rate)) * (np.maximum.accumulate(np.diff(rate) < 0) if len(rate) > 1 else 1.0)
        varied = _cumulated(moved)
        # a rate that stands still for a while is one place of the variation: keep the moment it moves on
        last = np.append(varied[1:] > varied[:-1], True)
        last[0] = True
        still = varied[:, None] == 0
        edge = np.interp(varied[:, None] * (np.arange(pieces + 1) / pieces), varied[last], step[last])
        mid = np.interp(varied[:, None] * ((np.arange(pieces) + 0.5) / pieces), varied[last], step[last])
        mid = np.where(still, step[:, None], mid)
        rates = np.interp(edge, step, rate)
        return cls(
            area,
            {
                "lr_drop": np.where(still, 0.0, rates[:, :-1] - rates[:, 1:]),
                # before it falls nothing is weighed by the level, and a warm-up may begin at zero
                "lr_level": np.where(still, _positive_so_far(rate)[:, None], np.interp(mid, step, rate)),
                "lr_since": np.maximum(area[:, None] - _area_at(mid, step, rate, area), 0.0),
                "lr_after": step[:, None] - mid,
            },
        )

    def axis(self, name: str) -> Floats:
        piece = _PIECE.fullmatch(name)
        return self.area if piece is None else self.pieces[piece["kind"]][:, int(piece["number"]) - 1]


def _cumulated(parts: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(parts)])


def _area_at(moment: Floats, step: Floats, rate: Floats, area: Floats) -> Floats:
    """The area up to moments between the steps of a run, the rate going straight from row to row."""
    before = np.clip(np.searchsorted(step, moment, side="right") - 1, 0, len(step) - 1)
    here = np.interp(moment, step, rate)
    found: Floats = area[before] + 0.5 * (rate[before] + here) * (moment - step[before])
    return found


def _positive_so_far(rate: Floats) -> Floats:
    """The highest rate so far, and where all were zero the highest of the run."""
    highest = np.maximum.accumulate(rate)
    return np.where(highest > 0, highest, rate.max())
