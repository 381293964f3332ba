"""How wrong the optimum was when it was forecast from shorter tables, and the plan's intervals widened by that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from allometry.costs import compute_of
from allometry.fits import Fit
from allometry.notices import Interval, Notice, Refused
from allometry.plans.decision import Decision, decide
from allometry.plans.drift import CUT_RESAMPLES, TOP_QUANTILE, Refit, rows_to
from allometry.plans.ends import ends_json
from allometry.plans.terms import TOKENS, Terms

Array = NDArray[np.float64]

LOOK_BACK = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)  # decades below the largest compute
FEWEST_LOOKS = 2
ROWS_PER_PARAMETER = 2
# Assumed: a plan whose interval spans more than two decades decides nothing that a rule of thumb would not.
MOST_USEFUL = 100.0
# Assumed: a quarter decade is about one step of a usual ladder; an optimum no farther out needs no test.
NEAR = 0.25
_RATES = np.concatenate([[0.0], np.geomspace(1e-3, 10.0, 400)])  # ln a decade: from nothing to a factor of e**10
_LEAST_NOISE = 1e-6


@dataclass(frozen=True)
class Look:
    """The optimum at the table's largest compute as the runs up to `flops` forecast it, `decades` below.

    `error` is ln(forecast / what all runs say) of each judged axis, `noise` the standard deviation that the draws give
    that forecast.
    """

    decades: float
    flops: float
    runs: int
    error: Mapping[str, float]
    noise: Mapping[str, float]


@dataclass(frozen=True)
class Calibration:
    """The intervals of a plan with the drift of earlier plans in them.

    `at` holds size, tokens and, for a plan of a loss, FLOPs; an axis without a useful interval has no value, and `why`.
    `per_decade` is the standard deviation of the drift in ln a decade of compute, `ahead` the decades that the plan lies
    beyond the largest runs, which have `flops`; `looks` are the earlier plans; `says` names a drift that goes one way.
    """

    at: Mapping[str, Interval]
    per_decade: Mapping[str, float]
    ahead: float
    flops: float
    looks: tuple[Look, ...]
    says: str

    @property
    def useful(self) -> bool:
        """Whether every judged axis has a plan."""
        return all(found.value is not None for found in self.at.values())

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The verdict where there is no plan."""
        why = next((found.why for found in self.at.values() if found.value is None), "")
        return (Notice("no-plan", why),) if why else ()

    def as_json(self) -> dict[str, object]:
        return {
            **{name: ends_json(found) for name, found in self.at.items()},
            "per_decade": dict(self.per_decade), "ahead": self.ahead, "largest_flops": self.flops,
            "useful": self.useful, "drift": self.says,
            "looks": [{"flops": look.flops, "decades": look.decades, "runs": look.runs, "error": dict(look.error),
                       "noise": dict(look.noise)} for look in self.looks],
        }  # fmt: skip


def calibrate(
    fit: Fit, terms: Terms, decision: Decision, at: Mapping[str, Interval], level: float, refit: Refit
) -> Calibration | None:
    """Widen a plan's intervals by how far plans from shorter tables missed the optimum of all runs.

    The optimum at the largest compute of the table is forecast from the rows half a decade, one decade, ... below it and
    compared with that of all rows. What these forecasts miss beyond their own noise, a decade, is what this plan may miss
    for every decade that it lies beyond the runs. It is None where there is nothing to widen: no draws, a given split, no
    interior optimum, or rows without compute. Where fewer than two shorter tables can be planned from, or the interval
    would span more than two decades, the answer is that this table gives no plan.
    """
    compute = compute_of(fit.rows.axes) if len(fit.rows) else None
    if compute is None or not len(fit.draws) or decision.space.options is not None or not decision.interior:
        return None
    logs = np.log10(compute)
    top = float(np.quantile(logs, TOP_QUANTILE))
    ahead = max(0.0, float(np.log10(decision.flops[0])) - top)
    judged = [name for name in (decision.space.size, TOKENS, "flops") if name != "flops" or terms.loss is not None]
    looks = _looks(fit, terms, decision, logs, top, judged, refit) if ahead > 0 else ()
    rate = {name: _rate(looks, name) for name in judged}
    return Calibration(
        at={name: _widened(at[name], rate[name], ahead, level, len(looks)) for name in judged},
        per_decade=rate, ahead=ahead, flops=10**top, looks=looks,
        says=_one_way(looks, decision.space.size, rate[decision.space.size]),
    )  # fmt: skip


def _looks(
    fit: Fit, terms: Terms, decision: Decision, logs: Array, top: float, judged: Iterable[str], refit: Refit
) -> tuple[Look, ...]:
    """The earlier plans, from the longest table to the shortest."""
    further = dict(decision.setting)
    try:
        now = decide(fit, Terms(flops=10**top, fixed=further))
    except Refused:
        return ()
    ask = Terms(flops=10**top, fixed=further)
    if terms.loss is not None:
        ask = Terms(loss=float(now.chosen.loss[0]), fixed=further)
    answers = _answers(now, judged)
    needed = max(ROWS_PER_PARAMETER * len(fit.law.parameters), fit.law.min_runs)
    found, last = [], len(logs)
    for decades in LOOK_BACK:
        keep = rows_to(fit, logs, top - decades)
        if keep.sum() < needed or keep.sum() == last:
            continue
        last = int(keep.sum())
        found.append(_look(fit, keep, decades, top, ask, answers, refit))
    return tuple(look for look in found if look is not None)


def _look(
    fit: Fit, keep: NDArray[np.bool_], decades: float, top: float, ask: Terms, now: Mapping[str, Array], refit: Refit
) -> Look | None:
    """One earlier plan, None where the shorter table gives none."""
    try:
        shorter = refit(fit, keep, bootstrap=min(CUT_RESAMPLES, len(fit.draws)))
        earlier = decide(shorter, ask)
    except Refused:
        return None
    if not earlier.interior or not len(shorter.draws):
        return None
    answers = _answers(earlier, now)
    error = {name: float(np.log(answers[name][0] / now[name][0])) for name in now}
    noise = {name: _spread(np.log(answers[name][1:])) for name in now}
    return Look(decades, 10 ** (top - decades), int(keep.sum()), error, noise)


def _answers(decision: Decision, judged: Iterable[str]) -> dict[str, Array]:
    """The judged axes of the estimate and the draws, (1 + B,) each."""
    held = {decision.space.size: decision.chosen.size, TOKENS: decision.chosen.tokens, "flops": decision.flops}
    return {name: np.asarray(held[name], float) for name in judged}


def _spread(logs: Array) -> float:
    """Half the distance that holds two thirds of the draws: the standard deviation without its tails."""
    usable = logs[np.isfinite(logs)]
    return float(np.diff(np.quantile(usable, [0.16, 0.84]))[0] / 2) if len(usable) > 1 else 0.0


def _rate(looks: tuple[Look, ...], name: str) -> float:
    """Standard deviation of the drift a decade: the likeliest, where errors are normal about zero and hold their own
    noise besides. So a plan from few runs, which is noisy, does not stand for the drift."""
    if not looks:
        return 0.0
    decades, error, noise = (
        np.array(c) for c in zip(*((k.decades, k.error[name], k.noise[name]) for k in looks), strict=True)
    )
    variance = np.maximum(noise, _LEAST_NOISE) ** 2 + (_RATES[:, None] * decades) ** 2
    unlikely = np.sum(np.log(variance) + error**2 / variance, axis=1)
    return float(_RATES[np.argmin(unlikely)])


def _widened(found: Interval, rate: float, ahead: float, level: float, looks: int) -> Interval:
    """An interval with the drift in quadrature, in logarithms; without a value where that says nothing."""
    if ahead > NEAR and looks < FEWEST_LOOKS:
        return Interval(None, None, None, _untested(ahead, looks))
    if found.value is None or found.low is None or found.high is None or rate * ahead == 0:
        return found
    drift = NormalDist().inv_cdf((1 + level) / 2) * rate * ahead
    low = found.value * float(np.exp(-np.hypot(np.log(found.value / found.low), drift)))
    high = found.value * float(np.exp(np.hypot(np.log(found.high / found.value), drift)))
    if high / low > MOST_USEFUL:
        why = f"no plan from this table: {ahead:.1f} decades beyond its runs the {level:.0%} interval spans a factor of {high / low:.3g}"
        return Interval(None, low, high, why)
    return Interval(found.value, low, high)


def _untested(ahead: float, looks: int) -> str:
    count = {0: "no shorter table gives a plan", 1: "only one shorter table gives a plan"}[looks]
    return f"no plan from this table: it lies {ahead:.1f} decades beyond the runs, and {count} to test that by"


def _one_way(looks: tuple[Look, ...], size: str, rate: float) -> str:
    """A drift in words, where every earlier plan missed on the same side and the farthest by more than its noise."""
    errors = np.array([look.error[size] for look in looks])
    if len(errors) < FEWEST_LOOKS or abs(errors.sum()) < np.abs(errors).sum() or rate == 0:
        return ""
    if abs(errors[-1]) < looks[-1].noise[size]:
        return ""
    side, way = ("large", "down") if errors[0] > 0 else ("small", "up")
    return (
        f"every plan from shorter tables had {size} too {side}, by about x{np.exp(rate):.2f} for each decade ahead: "
        f"expect larger runs to move it {way} again"
    )
