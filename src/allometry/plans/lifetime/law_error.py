"""The law's own error beyond the runs, carried into what a size costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import from_space, target_transform
from allometry.fits import Fit
from allometry.forecasts import Surroundings, decades_beyond, discrepancy
from allometry.plans.lifetime.tokens import Isoloss

Array = NDArray[np.float64]


def with_law_error(
    fit: Fit, curve: Isoloss, at: Mapping[str, float], held: Mapping[str, float] | None
) -> Isoloss | None:
    """The curve whose draws also miss as laws do beyond their runs, at a point `at`; None where that is not known.

    A draw's error is one for all points, as in forecasts, times how far laws miss at each point's distance. Where the loss
    to hold is what a budget buys at `held`, the law misses there too, and what counts is the difference. The estimate
    keeps its loss.
    """
    known = [point for point in (at, held) if point is not None]
    if (
        not len(fit.residuals)
        or len(curve.loss) < 2
        or not all(np.isfinite(list(point.values())).all() for point in known)
    ):
        return None
    around = Surroundings(fit.rows)
    spread = discrepancy(fit, np.array([decades_beyond(around.of(dict(point))) for point in known]))
    shift = (spread[1] if held is not None else 0.0) - spread[0]
    if not np.isfinite(shift):
        return None
    error = shift * np.random.default_rng([fit.settings.seed, 8]).standard_normal(len(curve.loss) - 1)
    with np.errstate(all="ignore"):
        moved = from_space(fit.space, target_transform(fit.space, curve.loss[1:]) + error)
    return replace(curve, loss=np.concatenate([curve.loss[:1], np.asarray(moved, float)]))
