"""Scoring a case: what every law forecasts for the held-out rows, and what the rules that choose among them would say."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from _board_case import Case
from allometry.fits import Fit, Settings, fit
from allometry.forecasts import Backtest, Tournament, backtest, forecast, stack_forecast, tournament
from allometry.forecasts.backtest import ROWS_PER_PARAMETER
from allometry.laws import Law
from allometry.notices import Refused
from allometry.runs import Rows, Runs

LEVEL = 0.8
RESAMPLES = 200
INTERVALS = Settings(bootstrap=RESAMPLES, level=LEVEL)
QUICK = Settings(bootstrap=0)
RECOMMENDED, STACK, HINDSIGHT = "= recommended", "= stack", "= best in hindsight"
# the same two without any law that was made on runs of the table's own source
STRANGER_RECOMMENDED, STRANGER_STACK = "= recommended, no law of this source", "= stack, no law of this source"
WAYS = (RECOMMENDED, STACK, STRANGER_RECOMMENDED, STRANGER_STACK, HINDSIGHT)

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Told:
    """Forecasts (m,) of the held-out rows with their new-run intervals, or `why` there are none."""

    value: Array
    low: Array
    high: Array
    seconds: float
    why: str = ""
    law: str = ""  # for a way that chooses one law: which

    def error(self, measured: Array, nats: bool) -> Array:
        """Relative errors (m,), or differences where the metric can be negative; nan where there is no forecast."""
        return np.asarray(self.value - measured if nats else self.value / measured - 1)

    def inside(self, measured: Array) -> Array:
        """Which measurements (m,) the intervals hold, nan where there is none."""
        held = (self.low <= measured) & (measured <= self.high)
        return np.where(np.isfinite(self.low) & np.isfinite(self.high), held, np.nan)


@dataclass(frozen=True, eq=False)
class Scored:
    """A case with what was told of its held-out rows, by law and by way to choose."""

    group: str
    name: str
    table: str
    source: str
    held: str
    nats: bool
    fitted: int
    measured: Array
    told: Mapping[str, Told]
    verdict: str
    weights: Mapping[str, float]
    seconds: float  # of process time, all in all

    def error(self, name: str) -> float:
        """Mean |error| of a law or way on the held-out rows, nan where it has none."""
        return float(np.abs(self.told[name].error(self.measured, self.nats)).mean()) if name in self.told else np.nan


def score(case: Case) -> Scored:
    """Every applicable law and every way to choose among them on the held-out rows of a case."""
    started, laws, below = time.process_time(), case.laws, case.below
    held = case.runs.where(case.holdout).rows_for(sorted({axis for law in laws for axis in law.axes}), case.metric)
    told: dict[str, Told] = {}
    fits: dict[str, Fit] = {}
    for law in laws:
        begun = time.process_time()
        try:
            fits[law.name] = fit(below, law, INTERVALS)
            told[law.name] = told_by(fits[law.name], held, begun)
        except Refused as refused:
            told[law.name] = _nothing(len(held), time.process_time() - begun, refused.message)
    fitted = [law for law in laws if law.name in fits]
    verdict, weights = _choose(case, fitted, fits, held, told)
    measured = np.asarray(held.target, dtype=float)
    found = Scored(
        case.group, case.name, case.table, case.source, case.held, case.nats, len(below), measured, told, verdict,
        weights, time.process_time() - started,
    )  # fmt: skip
    usable = [law.name for law in laws if np.isfinite(found.error(law.name))]
    if usable:
        best = min(usable, key=found.error)
        told[HINDSIGHT] = replace(told[best], law=best, seconds=0.0)
    return found


def told_by(found: Fit, held: Rows, begun: float) -> Told:
    """What a fit tells of the held-out rows; `begun` is the process time when its work began."""
    answers = forecast(found, _points(held, found.law), of="new-run")
    ends = np.array([[_number(a.result.value), _number(a.result.low), _number(a.result.high)] for a in answers])
    return Told(ends[:, 0], ends[:, 1], ends[:, 2], time.process_time() - begun)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _nothing(rows: int, seconds: float, why: str) -> Told:
    none = np.full(rows, np.nan)
    return Told(none, none, none, seconds, why)


def _points(held: Rows, law: Law) -> list[dict[str, float]]:
    return [{axis: float(held.axes[axis][i]) for axis in law.axes} for i in range(len(held))]


def entered(runs: Runs, laws: Sequence[Law], along: str) -> tuple[Backtest, ...]:
    """Backtests of the laws that the runs can be cut for: the ones that ask for most runs stay out until a cut exists.

    Errors: `Refused` where no cut exists for any law.
    """
    hungry = sorted(laws, key=lambda law: max(law.min_runs, ROWS_PER_PARAMETER * len(law.parameters)))
    while True:
        try:
            return backtest(runs, hungry, QUICK, along=along)
        except Refused as refused:
            if refused.code != "too-few-runs" or len(hungry) < 2:
                raise
            hungry.pop()


def _choose(
    case: Case, laws: Sequence[Law], fits: Mapping[str, Fit], held: Rows, told: dict[str, Told]
) -> tuple[str, Mapping[str, float]]:
    """Add what the tournament below the hold-out recommends and stacks, of all laws and of strangers to the source."""
    begun = time.process_time()
    if case.nats:
        return "no tournament: errors of this metric are differences", {}
    try:
        tests = entered(case.below, laws, case.along)
        found = tournament(tests)
    except Refused as refused:
        return f"no tournament: {refused.message}", {}
    spent = time.process_time() - begun
    _add(RECOMMENDED, STACK, found, fits, held, told, spent)
    strangers = {law.name for law in case.strangers(tuple(laws))}
    others = [test for test in tests if test.law.name in strangers and np.isfinite(test.error).all()]
    if others:
        _add(STRANGER_RECOMMENDED, STRANGER_STACK, tournament(others), fits, held, told, spent)
    return found.verdict, {standing.law: standing.weight for standing in found.standings}


def _add(
    one: str, mixed: str, found: Tournament, fits: Mapping[str, Fit], held: Rows, told: dict[str, Told], spent: float
) -> None:
    """The recommended law's forecasts and the stack's, each with the process time that the tournament took."""
    told[one] = replace(told[found.recommended], law=found.recommended, seconds=spent)
    begun = time.process_time()
    points = [{axis: float(values[i]) for axis, values in held.axes.items()} for i in range(len(held))]
    weights = [standing.weight for standing in found.standings]
    answers = stack_forecast([fits[s.law] for s in found.standings], weights, points, of="new-run")
    ends = np.array([[_number(a.value), _number(a.low), _number(a.high)] for a in answers])
    told[mixed] = Told(ends[:, 0], ends[:, 1], ends[:, 2], spent + time.process_time() - begun)
