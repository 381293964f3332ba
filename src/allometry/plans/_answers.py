"""What a decision says: every axis of the plan and its FLOPs, the loss it gives, and the answers that it is judged by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allometry.fits import Fit
from allometry.forecasts import Extrapolation, decades_beyond, interval_of, metric_at, widened
from allometry.notices import Interval
from allometry.plans.decision import Decision, axis_interval, flops_interval
from allometry.plans.terms import TOKENS, Terms


def axes_of(fit: Fit, terms: Terms, decision: Decision, level: float) -> dict[str, Interval]:
    """Every axis of the plan and its FLOPs."""
    size = axis_interval(fit, decision, lambda chosen: chosen.size, True, level)
    tokens = axis_interval(fit, decision, lambda chosen: chosen.tokens, False, level)
    further = {name: _setting(fit, decision, name, level) for name in decision.setting}
    asked = Interval(terms.flops, None, None, "as asked")
    flops = asked if terms.flops is not None else flops_interval(fit, decision, level)
    return {decision.space.size: size, TOKENS: tokens, **further, "flops": flops}


def at_budget(terms: Terms, size: Interval) -> Interval:
    """The interval of size at the plan's budget; that of a plan of a loss holds what the budget may be besides."""
    return size if terms.loss is None else Interval(None)


def _setting(fit: Fit, decision: Decision, name: str, level: float) -> Interval:
    """A further axis: the value given, or the one chosen among several by the estimate and by the draws."""
    if len({setting[name] for setting in decision.space.settings}) == 1:
        return Interval(decision.setting[name], None, None, "as asked")
    values = np.array([setting[name] for setting in decision.space.settings])
    return interval_of(fit, decision.setting[name], values[decision.chosen.setting[1:]], level, "inverted_cdf")


def loss_of(fit: Fit, terms: Terms, decision: Decision, level: float, away: Extrapolation | None = None) -> Interval:
    """What building the point plan gives, over the draws; with `away` the law's own error beyond the runs is in them."""
    if not decision.interior:
        return Interval(None, None, None, "no interior optimum, so no plan to build")
    point = {name: np.array([value]) for name, value in decision.point.items()}
    value = terms.loss if terms.loss is not None else float(decision.chosen.loss[0])
    draws = metric_at(fit.law, fit.draws, point)
    if away is not None and len(draws) and len(fit.residuals):
        draws = widened(fit, draws, np.array([decades_beyond(away)]), fit.settings.seed)
    found = interval_of(fit, value, draws[:, 0], level)
    return found if away is None or not len(draws) else away.of_calibrated(found)


def judged_answers(
    terms: Terms, decision: Decision, at: Mapping[str, Interval], reached: Interval
) -> dict[str, Interval]:
    """The answers that a drift is judged by: the split where it is open, the FLOPs of a loss, else the loss."""
    judged = {decision.space.size: at[decision.space.size], TOKENS: at[TOKENS]} if decision.space.free else {}
    if terms.loss is not None:
        judged["flops"] = at["flops"]
    return judged or {"loss": reached}
