"""What a run not yet made will give: a value, an interval, and how far from the data it was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

import numpy as np

from allometry.expressions import from_space, target_transform
from allometry.fits import Fit
from allometry.forecasts.discrepancy import decades_beyond, widened
from allometry.forecasts.extrapolation import Extrapolation, Surroundings
from allometry.forecasts.intervals import calibrated_label, interval_label, interval_of
from allometry.forecasts.metric import Array, metric_at
from allometry.notices import Interval, Refused
from allometry.runs import is_schedule_axis
from allometry.showing import Tabled

Of: TypeAlias = Literal["mean", "new-run"]

RESIDUALS_PER_DRAW = 8  # enough that the percentiles of a thousand draws move by under 1% with the seed


@dataclass(frozen=True)
class Forecast(Tabled):
    """The metric at one point.

    `at` is the point, `of` what an interval is meant to hold: the curve ("mean") or one run there ("new-run").
    `fit_noise` holds how the fit would vary with other runs of this kind, `calibrated` also how laws miss beyond their
    runs; `result` is the one that is used (fit noise for the curve, calibrated for one run), `interval` says which,
    `provenance` where the value comes from ("fitted" or "published").
    """

    at: Mapping[str, float]
    metric: str
    result: Interval
    of: Of
    interval: str
    extrapolation: Extrapolation
    provenance: str
    fit_noise: Interval
    calibrated: Interval

    def as_columns(self) -> dict[str, list[object]]:
        """One row: the point, the value with the interval that is used, and both intervals."""
        return Forecasts((self,)).as_columns()

    def as_json(self) -> dict[str, object]:
        """`at`, `value`, `low`, `high`, `extrapolation` and what the numbers are."""
        return {
            "at": dict(self.at),
            "metric": self.metric,
            "value": self.result.value,
            "low": self.result.low,
            "high": self.result.high,
            "why": self.result.why,
            "for": self.of,
            "interval": self.interval,
            "fit_noise": {"low": self.fit_noise.low, "high": self.fit_noise.high, "why": self.fit_noise.why},
            "calibrated": {"low": self.calibrated.low, "high": self.calibrated.high, "why": self.calibrated.why},
            "extrapolation": self.extrapolation.as_json(),
            "provenance": self.provenance,
        }


Each = TypeVar("Each", bound=Forecast)


class Forecasts(tuple[Each, ...], Tabled, Generic[Each]):
    """Forecasts in the order of their points: a tuple that shows itself, plots itself and gives its rows."""

    def as_columns(self) -> dict[str, list[object]]:
        """A row for each point: its axes, the value with the interval that is used, and both intervals."""
        axes = dict.fromkeys(name for each in self for name in each.at)
        pairs = {"": "result", "fit_noise_": "fit_noise", "calibrated_": "calibrated"}
        return {
            **{name: [each.at.get(name) for each in self] for name in axes},
            "metric": [each.metric for each in self], "for": [each.of for each in self],
            "value": [each.result.value for each in self],
            **{f"{head}{end}": [getattr(getattr(each, name), end) for each in self] for head, name in pairs.items() for end in ("low", "high")},
            "interval": [each.interval for each in self], "extrapolation": [each.extrapolation.word for each in self],
            "provenance": [each.provenance for each in self],
        }  # fmt: skip


def forecast(
    fit: Fit, points: Sequence[Mapping[str, float]], *, of: Of = "mean", level: float | None = None, seed: int = 0
) -> Forecasts[Forecast]:
    """The metric at points, each with an interval from the joint draws.

    Use "mean" for where the curve is and "new-run" for what one more run may measure, which adds the scatter of the runs
    about the curve. Each comes with two intervals: fit noise only, and calibrated by how far laws missed larger runs of
    published tables (`discrepancy`). Decide by the calibrated one beyond the runs; the other says what more runs of the
    same kind would change.

    Arguments: `points` give every axis of the law a value; `level` of the interval (by default the
    fit's); `seed` for the residuals of new runs.
    Errors: `Refused` for a missing axis, a value that is not usable, or a "new-run" interval of
    published constants, which come without residuals.

    >>> from allometry.fits import published_fit
    >>> found = forecast(published_fit("chinchilla@hoffmann"), [{"params": 70e9, "tokens": 1.4e12}])[0]
    >>> round(found.result.value, 4), found.result.low, found.provenance
    (1.9366, None, 'published')
    """
    if not points:
        return Forecasts()
    columns = columns_of(fit, points)
    around = Surroundings(fit.rows)
    places = [{name: float(columns[name][i]) for name in fit.law.axes} for i in range(len(points))]
    values, plain = forecast_draws(fit, points, of=of, seed=seed)  # refuses points that are no use, so it comes first
    away = [around.of(place) for place in places]
    _, wide = forecast_draws(fit, points, of=of, seed=seed, away=away)
    told = []
    for i, value in enumerate(values.tolist()):
        noise, calibrated = (interval_of(fit, value, draws[:, i], level) for draws in (plain, wide))
        calibrated = away[i].of_calibrated(calibrated) if len(fit.draws) else calibrated
        used, label = (calibrated, calibrated_label(fit, away[i])) if of == "new-run" else (noise, interval_label(fit))
        told.append(Forecast(places[i], fit.law.metric, used, of, label, away[i], fit.provenance, noise, calibrated))
    return Forecasts(told)


def forecast_draws(
    fit: Fit,
    points: Sequence[Mapping[str, float]],
    *,
    of: Of = "mean",
    seed: int = 0,
    away: Sequence[Extrapolation] | None = None,
) -> tuple[Array, Array]:
    """The metric (n,) at points and its draws (B, n): what `forecast` makes intervals of, for mixing with other fits.

    With `away`, how far each point lies outside the runs, the draws hold the law's own error there as well.

    >>> from allometry.fits import published_fit
    >>> values, draws = forecast_draws(published_fit("chinchilla@hoffmann"), [{"params": 70e9, "tokens": 1.4e12}])
    >>> values.round(4).tolist(), draws.shape
    ([1.9366], (0, 1))
    """
    if of == "new-run" and not len(fit.residuals):
        raise Refused("no-residuals", "published constants do not say how single runs scatter", "--for",
                      "ask for the mean")  # fmt: skip
    columns = columns_of(fit, points)
    draws = metric_at(fit.law, fit.draws, columns)
    if away is not None and len(draws):
        draws = widened(fit, draws, np.array([decades_beyond(place) for place in away]), seed)
    spread = of == "new-run" and len(draws)
    return np.asarray(fit.predict(columns)), scattered(fit, draws, seed) if spread else draws


def calibrated_draws(
    fit: Fit, points: Sequence[Mapping[str, float]], away: Sequence[Extrapolation], seed: int = 0
) -> Array:
    """Draws (B, n) of one run at each point, that a calibrated "new-run" interval is made of; (0, n) where there are none.

    Use it for ranks, or to mix with other draws. `away` says how far outside the runs each point lies, as in `Forecast`.

    >>> from allometry.fits import published_fit
    >>> found = published_fit("chinchilla@hoffmann")
    >>> point = {"params": 70e9, "tokens": 1.4e12}
    >>> calibrated_draws(found, [point], [Surroundings(found.rows).of(point)]).shape
    (0, 1)
    """
    if not len(fit.residuals) or not len(fit.draws):
        return np.empty((0, len(points)))
    return forecast_draws(fit, points, of="new-run", seed=seed, away=away)[1]


def columns_of(fit: Fit, points: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    names = ", ".join(fit.law.axes)
    for i, point in enumerate(points):
        for name in fit.law.axes:
            if name not in point:
                mend = f"{fit.law.name} needs {names}"
                if is_schedule_axis(name):
                    mend = "write the schedule as a table of step and current_learning_rate and give it as --points"
                raise Refused("missing-axis", f"point {i} has no {name}", "--at", mend)
        unknown = [name for name in point if name not in fit.law.axes]
        if unknown:
            raise Refused("unknown-axis", f"{fit.law.name} has no axis {unknown[0]}", "--at", f"it has {names}")
    return {name: np.array([float(point[name]) for point in points]) for name in fit.law.axes}


def scattered(fit: Fit, draws: Array, seed: int) -> Array:
    """Draws (B, n) of the curve as draws (8 B, n) of single runs: residuals resampled in the fit's space."""
    weights = np.ones(len(fit.residuals)) if fit.rows.weights is None else np.asarray(fit.rows.weights > 0, float)
    # residuals of a fit are smaller than the errors they stand for, by the share of the runs spent on parameters
    used = float(weights.sum())
    inflation = np.sqrt(used / max(used - len(fit.estimate), 1.0))
    generator = np.random.default_rng([seed, 3])
    wide = np.repeat(draws, RESIDUALS_PER_DRAW, axis=0)
    drawn = generator.choice(fit.residuals, size=wide.shape, p=weights / used)
    with np.errstate(all="ignore"):
        return np.asarray(from_space(fit.space, target_transform(fit.space, wide) - inflation * drawn), float)
