"""A figure of a plan over a life with its interval over the draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.notices import Interval
from allometry.plans.ends import open_percentiles

Array = NDArray[np.float64]


def over_draws(fit: Fit, values: Array, level: float) -> Interval:
    """The estimate's value with the ends over the draws (1 + B,); a draw that never has the loss is without end."""
    value = float(values[0])
    if len(values) == 1:
        return Interval(value, None, None, fit.interval_kind)
    found = open_percentiles(np.where(np.isfinite(values[1:]), values[1:], np.inf), level)
    lost = float(np.mean(~np.isfinite(values[1:])))
    why = f"{lost:.0%} of the draws never reach this loss" if lost and found.high is None else found.why
    return Interval(value, found.low, found.high, why)
