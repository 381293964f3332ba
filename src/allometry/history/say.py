"""Forecasts and plans as lines of a ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import target_transform
from allometry.fits import Fit
from allometry.forecasts import (
    Extrapolation,
    Forecast,
    Through,
    calibrated_draws,
    forecast,
    metric_at,
    percentiles,
    through_draws,
)
from allometry.history.entries import PROBABILITIES, Maker, Said, Spread
from allometry.history.match import near
from allometry.notices import Interval
from allometry.plans import Joint, Lifetime, Plan
from allometry.runs import row_marks

Array = NDArray[np.float64]
SOME_ROWS = 8  # marks that a line keeps of the fit's rows: any one met again shows that the table is the same
NEAR = 0.25  # share of each axis within which a row of the fit is no new run at the point
_STEP = 1e-3  # of an axis's logarithm, or of the axis: a derivative to about six digits


def maker(fitted: Fit) -> Maker:
    """The mark of a fit: the same for every copy of it, under other names or without its rows."""
    law, estimate = fitted.law.formula.text, [value.hex() for value in fitted.estimate.tolist()]
    text = json.dumps([law, fitted.space, fitted.rows.fingerprint, estimate])
    some = tuple(sorted(row_marks(fitted.rows))[:SOME_ROWS])
    return Maker(
        hashlib.sha256(text.encode()).hexdigest()[:16],
        fitted.law.name,
        fitted.rows.count,
        fitted.rows.fingerprint,
        some,
    )


def say_forecasts(
    fitted: Fit, forecasts: Sequence[Forecast], made: datetime, *, then: Fit | None = None, level: float, seed: int = 0
) -> tuple[Said, ...]:
    """Forecasts of a fit as entries, each with where one run is expected.

    Arguments: `forecasts` as `forecast` gave them, or `forecast_through` with the second fit `then`; `made` when;
    `level` and `seed` those that they were made with.
    """
    last, own = then or fitted, maker(fitted)
    spreads, beside = _spreads(fitted, then, forecasts, level, seed), _Beside(fitted)
    return tuple(
        Said(
            made=utc(made), kind="forecast", fit=own, metric=told.metric, at=dict(told.at), of=told.of,
            value=float(told.result.value), low=told.result.low, high=told.result.high, level=level, interval=told.interval,
            run=spread, space=last.space, slopes=_slopes(_curve(fitted, then), told.at, last.space),
            far=told.extrapolation.word, conventions=_conventions(fitted, last), near=beside.marks(told.at, told.metric),
        )
        for told, spread in zip(forecasts, spreads, strict=True) if told.result.value is not None and np.isfinite(told.result.value)
    )  # fmt: skip


def say_plan(fitted: Fit, plan: Plan, made: datetime) -> tuple[Said, ...]:
    """A plan as an entry: what was asked and chosen, and the loss it promises at its point; none without a point."""
    if not plan.complete or plan.extrapolation is None:
        return ()
    terms = plan.terms
    asked = {
        "flops": terms.flops, "loss": terms.loss, "fixed": dict(terms.fixed), "at_most": dict(terms.at_most),
        "at_least": dict(terms.at_least), "among": {name: list(values) for name, values in terms.among.items()},
    }  # fmt: skip
    chose = {name: _chosen(plan, name) for name in plan.at}
    return _said_plan(fitted, plan, plan.loss, plan.extrapolation, asked, chose, made)


def say_life(fitted: Fit, plan: Lifetime | Joint, made: datetime) -> tuple[Said, ...]:
    """A plan over a life as an entry: what was served, what was chosen, and the metric it holds at its point.

    A run at that size and those tokens scores it as it scores a plan of training; what was served is not scored. None
    where the plan is of two fits, for neither is its maker.
    """
    if fitted.law is not plan.fit.law:
        return ()
    held = plan.loss if isinstance(plan, Lifetime) else plan.quality
    point = {name: plan.at[name].value or 0.0 for name in fitted.law.axes}
    told = forecast(fitted, [point], level=plan.level)[0]
    asked = {"inference_tokens": plan.inference_tokens, plan.metric: held, "unit": plan.rates.unit}
    chose = {name: {"value": found.value, "low": found.low, "high": found.high} for name, found in plan.at.items()}
    loss = Interval(held, told.fit_noise.low, told.fit_noise.high, told.fit_noise.why)
    return _said_plan(fitted, plan, loss, told.extrapolation, asked, chose, made)


def _said_plan(
    fitted: Fit, plan: Plan | Lifetime | Joint, loss: Interval, away: Extrapolation, asked: Mapping[str, Any],
    chose: Mapping[str, Any], made: datetime,
) -> tuple[Said, ...]:  # fmt: skip
    """The entry of any plan that promises a metric at a point; none where an axis or the metric has no value."""
    at = {name: value for name in fitted.law.axes if (value := plan.at[name].value) is not None}
    if len(at) < len(fitted.law.axes) or loss.value is None:
        return ()
    draws = calibrated_draws(fitted, [at], [away], fitted.settings.seed)
    return (
        Said(
            made=utc(made), kind="plan", fit=maker(fitted), metric=plan.metric, at=at, of="mean", value=loss.value,
            low=loss.low, high=loss.high, level=plan.level, interval=plan.interval,
            run=_spread(loss.value, draws, plan.level, away.sentence), space=fitted.space,
            slopes=_slopes(_curve(fitted), at, fitted.space), far=away.word,
            conventions=dict(fitted.conventions), near=_Beside(fitted).marks(at, plan.metric),
            asked={name: value for name, value in asked.items() if value}, chose=dict(chose),
        ),
    )  # fmt: skip


def _chosen(plan: Plan, name: str) -> dict[str, float | None]:
    """The value of an axis with the interval to decide by."""
    wide = None if plan.calibration is None else plan.calibration.at.get(name)
    ends = plan.at[name] if wide is None else wide
    return {"value": plan.at[name].value, "low": ends.low, "high": ends.high}


def utc(made: datetime) -> str:
    return made.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _conventions(first: Fit, last: Fit) -> dict[str, str]:
    return {**first.conventions, **last.conventions}


class _Beside:
    """The fit's own rows near a point, by their marks."""

    def __init__(self, fitted: Fit) -> None:
        self.rows, self.all = fitted.rows, row_marks(fitted.rows)

    def marks(self, at: Mapping[str, float], metric: str) -> tuple[str, ...]:
        """None where another metric is forecast: the rows of a first step measure something else."""
        if metric != self.rows.metric or not len(self.rows):
            return ()
        return tuple(self.all[i] for i in near(self.rows, at, NEAR))


def _spreads(fitted: Fit, then: Fit | None, told: Sequence[Forecast], level: float, seed: int) -> list[Spread]:
    points = [one.at for one in told]
    if then is None:
        draws = calibrated_draws(fitted, points, [one.extrapolation for one in told], seed)
    else:
        draws = through_draws(fitted, then, [one for one in told if isinstance(one, Through)], seed)
    return [_spread(one.result.value or 0.0, draws[:, i : i + 1], level, _why(one)) for i, one in enumerate(told)]


def _why(told: Forecast) -> str:
    return told.extrapolation.sentence if told.extrapolation.word == "unknown" else "the fit has no draws"


def _spread(value: float, draws: Array, level: float, why: str) -> Spread:
    """Interval and quantiles of draws (B, 1) of one run; none where draws are missing or many are not finite."""
    found = percentiles(value, draws[:, 0], level, why)
    if found.low is None:
        return Spread(None, None, (), found.why or why)
    usable = draws[np.isfinite(draws[:, 0]), 0]
    return Spread(found.low, found.high, tuple(np.quantile(usable, PROBABILITIES).tolist()))


def _curve(fitted: Fit, then: Fit | None = None) -> Callable[[Mapping[str, Array]], Array]:
    """The forecast (n,) at points, NaN where the law has no value."""

    def first(points: Mapping[str, Array]) -> Array:
        return metric_at(fitted.law, fitted.estimate[None], points)[0]

    if then is None:
        return first
    return lambda points: metric_at(then.law, then.estimate[None], {fitted.law.metric: first(points)})[0]


def _slopes(curve: Callable[[Mapping[str, Array]], Array], at: Mapping[str, float], space: str) -> dict[str, float]:
    """How the forecast changes along each axis, in the fit's space: per logarithm of a positive axis, else per unit."""
    found = {}
    for name, value in at.items():
        ends = value * np.exp([-_STEP, _STEP]) if value > 0 else value + np.array([-_STEP, _STEP])
        columns = {other: np.full(2, place) for other, place in at.items()} | {name: ends}
        with np.errstate(all="ignore"):
            values = np.asarray(target_transform(space, np.asarray(curve(columns), float)), float)
        slope = float(values[1] - values[0]) / (2 * _STEP)
        found[name] = slope if np.isfinite(slope) else 0.0
    return found
