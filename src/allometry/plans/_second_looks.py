"""The same plan made otherwise: from shorter tables, and by the isoFLOP method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import Extrapolation
from allometry.notices import Interval, Refused
from allometry.plans._answers import axes_of, judged_answers, loss_of
from allometry.plans.decision import Decision, decide
from allometry.plans.drift import CUT_RESAMPLES, Cut, Refit, cut_back
from allometry.plans.isoflop import IsoFlop, isoflop
from allometry.plans.terms import Terms


def remembered(refit: Refit) -> Refit:
    """The same, which fits no shorter table twice: those cut back and those of the calibration are partly the same."""
    known: dict[tuple[bytes, int | None], Fit] = {}

    def again(fitted: Fit, keep: NDArray[np.bool_], *, bootstrap: int | None = None) -> Fit:
        key = (keep.tobytes(), bootstrap)
        if key not in known:
            known[key] = refit(fitted, keep, bootstrap=bootstrap)
        return known[key]

    return again


def shorter_plans(
    fit: Fit, terms: Terms, decision: Decision, away: Extrapolation | None, level: float, refit: Refit | None
) -> tuple[Cut, ...]:
    """The plan of shorter tables, where the plan lies beyond the runs in compute."""
    if refit is None or away is None or not away.compute or away.compute < 0:
        return ()

    def answer(shorter: Fit) -> Mapping[str, Interval]:
        again = decide(shorter, terms)
        found = axes_of(shorter, terms, again, level)
        return judged_answers(terms, again, found, loss_of(shorter, terms, again, level))

    return cut_back(fit, answer, refit)


def second_opinion(fit: Fit, terms: Terms, decision: Decision, level: float) -> IsoFlop | None:
    """The isoFLOP method on the same rows, where the budget is given and the split is open."""
    limited = terms.at_most or terms.at_least or terms.loss is not None
    if limited or decision.space.options is not None or decision.setting or not len(fit.rows):
        return None
    try:
        return isoflop(fit.rows, terms.flops, level=level, bootstrap=CUT_RESAMPLES, seed=fit.settings.seed)
    except Refused:
        return None  # the table was not swept at budgets; the fitted law does not need that
