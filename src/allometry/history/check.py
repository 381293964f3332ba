"""Forecasts and plans scored against runs that finished since they were made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import from_space, target_transform
from allometry.fits import Fit
from allometry.history.entries import PROBABILITIES, Check, Said
from allometry.history.ledger import Ledger
from allometry.history.match import WITHIN, made_there, near
from allometry.history.say import NEAR, maker, utc
from allometry.laws import Law
from allometry.notices import Refused
from allometry.runs import Rows, Runs, counted_differently, row_marks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Checked:
    """What one look at a table gave: checks of what was said, in its order, and why the rest has none.

    `fresh` are the checks that the ledger did not hold yet. `within` is the share of each axis by which a run may differ.
    """

    pairs: tuple[tuple[Said, Check], ...]
    fresh: tuple[Check, ...]
    open: tuple[tuple[Said, str], ...]
    within: float

    @property
    def judged(self) -> tuple[Check, ...]:
        """The checks of what had an interval for one run."""
        return tuple(check for _, check in self.pairs if check.inside is not None)

    @property
    def outside(self) -> bool:
        """Whether some run lies outside the interval for one run."""
        return any(not check.inside for check in self.judged)

    @property
    def error_mean(self) -> float | None:
        """Mean size of the relative errors, None without any."""
        errors = [abs(check.error) for _, check in self.pairs if check.error is not None]
        return float(np.mean(errors)) if errors else None


def check(fitted: Fit, ledger: Ledger, runs: Runs, made: datetime, *, within: float = WITHIN) -> Checked:
    """Score what a fit's ledger holds against the finished runs of a table.

    A run answers a forecast when no axis differs by more than the share `within`, the nearest place first; the forecast
    is moved to the run's own place by the law's slopes there, so rounding sizes costs nothing. Rows that the fit was
    made from answer nothing. A run is judged by the interval for one run, whatever was asked; `rank` is the share of the
    calibrated draws below it, and over many runs ranks are spread evenly where the draws are right.

    Arguments: `runs` are rows of finished runs, such as `read_runs` gives; `made` the time of this look.
    Errors: `Refused` for a ledger that holds nothing, a table without the metric or an axis of anything said, a share
    out of range.
    """
    if not 0 <= within <= NEAR:
        raise Refused(
            "bad-within",
            f"{within:g} is not a share from 0 to {NEAR:g}",
            "--within",
            f"write {WITHIN:g} for {WITHIN:.0%}",
        )
    if not ledger.said:
        raise Refused("nothing-said", "the ledger of this fit holds no forecast and no plan", "the fit",
                      "forecast or plan with it first (allometry forecast FIT --at ...)")  # fmt: skip
    tables = _Tables(fitted.law, runs)
    own = _Own.of(fitted)
    pairs, left = list[tuple[Said, Check]](), list[tuple[Said, str]]()
    for said in ledger.said:
        found = own.why_not(said) or tables.answers(said, within)
        if isinstance(found, str):
            left.append((said, found))
        else:
            pairs += [(said, _scored(said, read, i, made)) for read, i in found]
    if not pairs:
        tables.refuse_unread()
    known = {(one.of, one.mark) for one in ledger.checks}
    fresh = tuple(one for _, one in pairs if (one.of, one.mark) not in known)
    return Checked(tuple(pairs), fresh, tuple(left), within)


@dataclass(frozen=True)
class _Own:
    """The fit whose ledger it is: its mark, and the marks of its rows."""

    id: str
    marks: frozenset[str]

    @classmethod
    def of(cls, fitted: Fit) -> _Own:
        return cls(maker(fitted).id, frozenset(row_marks(fitted.rows)))

    def why_not(self, said: Said) -> str:
        """Why an entry is of another table: an earlier fit under the same name shares rows with this one."""
        if said.fit.id == self.id or self.marks.intersection(said.fit.some):
            return ""
        return f"made by another fit under this name ({said.fit.law}, {said.fit.rows} rows), which shares no row with this one"


class _Read(NamedTuple):
    """The rows of a law and metric with their marks."""

    rows: Rows
    marks: tuple[str, ...]


class _Tables:
    """The finished runs by what is asked of them: the same table has rows for every law and metric."""

    def __init__(self, law: Law, runs: Runs) -> None:
        self.law, self.runs = law, runs
        self.read: dict[tuple[tuple[str, ...], str], _Read | Refused] = {}

    def answers(self, said: Said, within: float) -> list[tuple[_Read, int]] | str:
        """The runs that answer an entry; in their place the reason where there is none."""
        read = self._rows(tuple(said.at), said.metric)
        if isinstance(read, Refused):
            return read.message
        rows, marks = read
        if differs := counted_differently(said.conventions, rows.conventions):
            return f"{differs}: the forecast and the table"
        new = np.array([mark not in said.near for mark in marks], bool)
        found = made_there(rows, said.at, within, new)
        if not len(found):
            own = len(near(rows, said.at, within)) > 0
            return "the runs there are those it was fitted to" if own else "no finished run there yet"
        return [(read, int(i)) for i in found]

    def refuse_unread(self) -> None:
        """The table's own refusal, where it could be read for nothing that was said."""
        refusals = [rows for rows in self.read.values() if isinstance(rows, Refused)]
        if refusals and len(refusals) == len(self.read):
            raise refusals[0]

    def _rows(self, axes: tuple[str, ...], metric: str) -> _Read | Refused:
        key = (tuple(sorted(axes)), metric)
        if key not in self.read:
            logs = [name for name in axes if name not in self.law.axes or self.law.axis(name).positive]
            try:
                rows = self.runs.rows_for(axes, metric, cluster="none", logs=logs, fewest=1)
                self.read[key] = _Read(rows, row_marks(rows))
            except Refused as refused:
                self.read[key] = refused
        return self.read[key]


def _scored(said: Said, read: _Read, i: int, made: datetime) -> Check:
    rows = read.rows
    at = {name: float(column[i]) for name, column in rows.axes.items()}
    measured = float(rows.target[i])
    shift = sum(slope * _along(said.at[name], at[name]) for name, slope in said.slopes.items())
    value = float(_moved(said, np.array([said.value]), shift)[0])
    told, run = _ends(said, said.low, said.high, shift), _ends(said, said.run.low, said.run.high, shift)
    return Check(
        made=utc(made), of=said.id, run=rows.names[i] if rows.names else "", mark=read.marks[i], at=at,
        measured=measured, value=value, low=run[0] if run else None, high=run[1] if run else None,
        moved=value / said.value if said.value else 1.0,
        error=value / measured - 1 if measured and value / measured > 0 else None, inside=_holds(run, measured), told_inside=_holds(told, measured), rank=_rank(said, shift, measured),
    )  # fmt: skip


def _along(here: float, there: float) -> float:
    return float(np.log(there / here)) if here > 0 and there > 0 else there - here


def _moved(said: Said, values: Array, shift: float) -> Array:
    """Values moved in the fit's space; one that has no place there, such as a loss below zero, stays."""
    with np.errstate(all="ignore"):
        moved = np.asarray(from_space(said.space, target_transform(said.space, values) + shift), float)
    return np.where(np.isfinite(moved), moved, values)


def _ends(said: Said, low: float | None, high: float | None, shift: float) -> tuple[float, float] | None:
    if low is None or high is None:
        return None
    first, last = _moved(said, np.array([low, high]), shift).tolist()
    return first, last


def _holds(ends: tuple[float, float] | None, measured: float) -> bool | None:
    return None if ends is None else ends[0] <= measured <= ends[1]


def _rank(said: Said, shift: float, measured: float) -> float | None:
    if not said.run.quantiles:
        return None
    return float(np.interp(measured, _moved(said, np.array(said.run.quantiles), shift), PROBABILITIES))
