"""The backtest section in words and tables; strings only, escaped by the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import CALIBRATED, FIT_NOISE, Backtest, Distance, by_distance
from allometry.notices import Refused
from allometry.reports.backtests import MOST_DRAWN, axis_name, outside
from allometry.reports.numbers import counted, shown
from allometry.reports.results import Results

MOST_FAILED = 10


@dataclass(frozen=True)
class BacktestWords:
    """Why there is none; or what was asked, the figures' notes and the errors by distance, one line a law."""

    why: str = ""
    lead: str = ""
    error_note: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    fan_note: str = ""
    failed: tuple[str, ...] = ()


def backtest_words(fit: Fit, results: Results) -> BacktestWords | None:
    """None where no backtest was asked for."""
    if isinstance(results.backtests, Refused):
        return BacktestWords(why=f"This table allows no backtest: {results.backtests.message}.")
    tests = results.tests
    if not tests:
        return None
    heads = _heads([item for test in tests for item in by_distance(test)])
    return BacktestWords(
        lead=_lead(tests), error_note=_error_note(tests), heads=("", *heads.values()),
        rows=tuple((test.law.name, *_cells(test, tuple(heads))) for test in tests) if heads else (),
        fan_note=_fan_note(fit, own_test(fit, tests)),
        failed=tuple(f"{test.law.name}: {why}" for test in tests for why in test.failed)[:MOST_FAILED],
    )  # fmt: skip


def own_test(fit: Fit, tests: Sequence[Backtest]) -> Backtest:
    """The backtest of the fit's own law, the first one where there is none."""
    return next((test for test in tests if test.law.name == fit.law.name), tests[0])


def _lead(tests: Sequence[Backtest]) -> str:
    first = tests[0]
    each = "" if len(tests) == 1 else " by each"
    asked = f"{counted(len(first.row), 'forecast')} of {counted(len(np.unique(first.group)), 'run')}{each}"
    who = "The law was" if len(tests) == 1 else f"{len(tests)} laws were"
    if first.along is None:
        return f"{who} fitted to the other rows and forecast the rows held out: {asked}."
    cuts = np.unique(first.cut)
    span = (
        f", from {shown(float(cuts[0]), 3)} to {shown(float(cuts[-1]), 3)}"
        if len(cuts) > 1
        else f" at {shown(float(cuts[0]), 3)}"
    )
    return f"{who} fitted below {counted(len(cuts), 'cut')} of {axis_name(first)}{span}, and forecast the runs above each: {asked}."


def _error_note(tests: Sequence[Backtest]) -> str:
    if tests[0].along is None:
        return ""
    beyond, largest = outside(tests), max(int(np.unique(test.cut, return_counts=True)[1].max()) for test in tests)
    thinned = f" Of each cut at most {MOST_DRAWN} are drawn, evenly chosen." if largest > MOST_DRAWN else ""
    more = f" {counted(beyond, 'forecast')} lie{'s' if beyond == 1 else ''} outside the picture." if beyond else ""
    said = "Each mark is one forecast; the shade is the mean size of the error at that distance, to both sides."
    return said + thinned + more


def _heads(found: Sequence[Distance]) -> dict[float, str]:
    """One column for each range of distances, by its lower end: how far, and how many forecasts."""
    heads = {}
    for low in sorted({item.low for item in found}):
        same = [item for item in found if item.low == low]
        count = counted(max(item.rows for item in same), "forecast")
        heads[low] = f"{low:g} to {max(item.high for item in same):g} decades ahead ({count})"
    return heads


def _cells(test: Backtest, lows: Sequence[float]) -> list[str]:
    by_low = {item.low: item for item in by_distance(test)}
    return [_cell(test, by_low[low]) if low in by_low else "–" for low in lows]


def _cell(test: Backtest, item: Distance) -> str:
    if item.coverage is None:
        return f"{item.error_mean:.1%} off"
    rows = (test.ahead > item.low) & (test.ahead <= item.high) & np.isfinite(test.error)
    return f"{item.error_mean:.1%} off; {item.coverage:.0%} inside, {_by_noise(test)[rows].mean():.0%} by fit noise"


def _fan_note(fit: Fit, test: Backtest) -> str:
    which = "" if test.law.name == fit.law.name else f" Forecasts of {test.law.name}."
    if not np.isfinite(test.low).all():
        return f"The grey runs were fitted; without resamples there are no intervals.{which}"
    held = (
        ""
        if test.along is None
        else f" Over all cuts {test.inside.mean():.0%} lay inside them, {_by_noise(test).mean():.0%} inside fit noise."
    )
    return (
        f"Bars: {test.level:.0%} intervals of one new run, made from the grey runs; wide {CALIBRATED}, thin {FIT_NOISE}. Inside and "
        f"outside mean the wide ones.{held} Bars may reach beyond the picture: double-click it to see all.{which}"
    )


def _by_noise(test: Backtest) -> NDArray[np.bool_]:
    """Whether the interval of fit noise alone held the measurement."""
    return (test.noise_low <= test.measured) & (test.measured <= test.noise_high)
