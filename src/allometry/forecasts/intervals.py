"""From draws to an interval, or to the reason why there is none."""

from __future__ import annotations

import numpy as np

from allometry.fits import Fit
from allometry.forecasts.extrapolation import Extrapolation
from allometry.forecasts.metric import Array
from allometry.notices import Interval

FIT_NOISE = "fit noise only"
"""What draws alone hold: the noise of fitting this law to these runs, not the chance that the law bends beyond them."""

CALIBRATED = "calibrated on published tables"
"""Intervals that hold fit noise and how far laws missed larger runs in backtests of published tables."""

MOST_LOST = 0.05
"""Share of draws without a usable value above which an end of an interval is empty (assumed)."""


def interval_label(fit: Fit) -> str:
    """What the intervals of a fit's forecasts are: "fit noise only", or "none" where it has no draws."""
    return FIT_NOISE if len(fit.draws) else "none"


def calibrated_label(fit: Fit, away: Extrapolation) -> str:
    """The same of the intervals that also hold how laws miss beyond their runs, at a point so far away."""
    return CALIBRATED if len(fit.draws) and away.word != "unknown" else "none"


def interval_of(fit: Fit, value: float, draws: Array, level: float | None = None, method: str = "linear") -> Interval:
    """A value with the percentiles of its draws (B,) at `level`, by default the fit's own.

    Empty with the reason where the fit has no draws, or where over 5% of them give no finite value.
    `method` is NumPy's for percentiles; "inverted_cdf" keeps to values that were drawn.
    """
    return percentiles(value, draws, fit.settings.level if level is None else level, fit.interval_kind, method)


def percentiles(value: float, draws: Array, level: float, none: str, method: str = "linear") -> Interval:
    """The same without a fit; `none` is the reason given where there are no draws at all.

    >>> percentiles(2.0, np.arange(5.0), 0.5, "no resamples")
    Interval(value=2.0, low=1.0, high=3.0, why='')
    >>> percentiles(2.0, np.empty(0), 0.9, "no resamples").why
    'no resamples'
    """
    if not len(draws):
        return Interval(value, None, None, none)
    usable = draws[np.isfinite(draws)]
    if len(usable) < (1 - MOST_LOST) * len(draws):
        lost = 1 - len(usable) / len(draws)
        return Interval(value, None, None, f"{lost:.0%} of the draws give no finite value")
    tail = (1 - level) / 2
    low, high = np.quantile(usable, [tail, 1 - tail], method=method)  # type: ignore[call-overload]
    return Interval(value, float(low), float(high))
