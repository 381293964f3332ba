"""Two laws in a row: what the first predicts is the axis of the second, and the interval holds the noise of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allometry.fits import Fit
from allometry.forecasts.discrepancy import decades_beyond, widened
from allometry.forecasts.forecast import Forecast, Forecasts, Of, columns_of, forecast, scattered
from allometry.forecasts.intervals import CALIBRATED, FIT_NOISE, percentiles
from allometry.forecasts.metric import Array, metric_at
from allometry.notices import Refused

_ABOUT_THE_METRIC = ("loss_unit", "evaluation", "tokenizer")


@dataclass(frozen=True)
class Through(Forecast):
    """A forecast in two steps: `through` is the first, this one the second.

    `at` is the point of the first law; `extrapolation` says how far the value in between lies outside the runs of
    the second fit, `through.extrapolation` how far the point lies outside those of the first.
    """

    through: Forecast

    def as_json(self) -> dict[str, object]:
        return {**super().as_json(), "through": self.through.as_json()}


def forecast_through(
    first: Fit,
    second: Fit,
    points: Sequence[Mapping[str, float]],
    *,
    of: Of = "mean",
    level: float | None = None,
    seed: int = 0,
) -> Forecasts[Through]:
    """The second fit's metric at points of the first: params and tokens to loss, and loss to error.

    Use it where the metric that matters follows from one that extrapolates better. The joint draws of the first fit are
    carried through those of the second, paired at random, so the interval holds the noise of both; one of the two may
    be published constants, and the label then says whose noise is left out. Not for two fits of the same noise, such as
    one set of seeds: pairing at random takes them for independent.

    Arguments: `points` give every axis of the first law a value; `of` as for `forecast`, where "new-run" adds the
    scatter of both; `level` of the interval (by default the second fit's); `seed` of the pairing and of new runs.
    Errors: `Refused` where the second law's one axis is not the first's metric, where the two count that metric
    differently, and for what `forecast` refuses.
    Source: the two-step forecasts of Gadre et al. 2024, arXiv 2403.08540; the intervals are ours.

    >>> from allometry.fits import published_fit
    >>> loss, error = published_fit("overtraining@gadre-redpajama"), published_fit("downstream_error@gadre-redpajama")
    >>> found = forecast_through(loss, error, [{"params": 6.9e9, "tokens": 138e9}])[0]
    >>> round(found.through.result.value, 3), round(found.result.value, 3), found.result.low
    (2.442, 0.472, None)
    """
    _check(first, second)
    between = forecast(first, points, of=of, level=level, seed=seed)
    if not between:
        return Forecasts()
    metric = first.law.metric
    values = first.predict(columns_of(first, points))
    then = forecast(second, [{metric: value} for value in values.tolist()], of=of, level=level, seed=seed)
    ends, plain = second.predict({metric: values}).tolist(), _carried(first, second, points, of, seed)
    beyond = tuple(np.array([decades_beyond(told.extrapolation) for told in steps]) for steps in (between, then))
    wide = _carried(first, second, points, of, seed, beyond)
    width = second.settings.level if level is None else level
    told = []
    for i, (step, last, end) in enumerate(zip(between, then, ends, strict=True)):
        noise, calibrated = (percentiles(end, draws[:, i], width, second.interval_kind) for draws in (plain, wide))
        for fit, own in ((first, step), (second, last)):
            calibrated = own.extrapolation.of_calibrated(calibrated) if len(fit.draws) else calibrated
        wide_label = "none" if calibrated.low is None else CALIBRATED
        told.append(
            Through(
                at=step.at,
                metric=second.law.metric,
                result=calibrated if of == "new-run" else noise,
                of=of,
                interval=_label(first, second) if of == "mean" else wide_label,
                extrapolation=last.extrapolation,
                provenance=second.provenance if first.provenance == second.provenance else "fitted and published",
                fit_noise=noise,
                calibrated=calibrated,
                through=step,
            )
        )
    return Forecasts(told)


def through_draws(first: Fit, second: Fit, told: Sequence[Through], seed: int = 0) -> Array:
    """Draws (B, n) of one run's second metric, that a calibrated "new-run" interval of `told` is made of.

    (0, n) where one of the fits does not say how single runs scatter.
    """
    if not told or not all(len(fit.residuals) and len(fit.draws) for fit in (first, second)):
        return np.empty((0, len(told)))
    steps = ([one.through for one in told], told)
    beyond = tuple(np.array([decades_beyond(step.extrapolation) for step in each]) for each in steps)
    return _carried(first, second, [one.at for one in told], "new-run", seed, beyond)


def _check(first: Fit, second: Fit) -> None:
    metric, axes = first.law.metric, second.law.axes
    if axes != (metric,):
        raise Refused("chain-mismatch", f"{first.law.name} predicts {metric}, and {second.law.name} asks for {', '.join(axes)}",
                      "the second fit", f"give a second fit whose one axis is {metric}")  # fmt: skip
    for name in _ABOUT_THE_METRIC:
        said = {str(fit.conventions.get(name, "not stated")) for fit in (first, second)} - {"not stated"}
        if len(said) > 1:
            raise Refused("chain-mismatch", f"the two fits count {metric} differently: {name} is {' and '.join(sorted(said))}",
                          "the second fit", "fit both to the same metric, or state the convention if it is the same")  # fmt: skip


def _label(first: Fit, second: Fit) -> str:
    noisy = [fit.law.name for fit in (first, second) if len(fit.draws)]
    if len(noisy) == 1:
        return f"fit noise of {noisy[0]} only"
    return FIT_NOISE if noisy else "none"


def _carried(
    first: Fit,
    second: Fit,
    points: Sequence[Mapping[str, float]],
    of: Of,
    seed: int,
    beyond: tuple[Array, ...] | None = None,
) -> Array:
    """Draws (B, n) of the second metric; constants without draws stand still, and no draws at all give (0, n).

    With `beyond`, decades (n,) outside the runs of either fit, the own errors of both laws are in them.
    """
    if not len(first.draws) and not len(second.draws):
        return np.empty((0, len(points)))
    before = metric_at(first.law, _moving(first), columns_of(first, points))
    before = _errors(first, before, of, seed, None if beyond is None else beyond[0])
    count = max(len(before), len(second.draws))
    generator = np.random.default_rng([seed, 5])
    before = before[generator.permutation(count) % len(before)]
    parameters = _moving(second)[generator.permutation(count) % len(_moving(second))]
    after = metric_at(second.law, parameters, {first.law.metric: before})
    # another seed than the first step's, or the errors of a run would be drawn in step
    return _errors(second, after, of, seed + 1, None if beyond is None else beyond[1])


def _errors(fit: Fit, draws: Array, of: Of, seed: int, beyond: Array | None) -> Array:
    """Draws with the law's own error beyond the runs, where asked and known, and with the scatter of single runs."""
    if beyond is not None and len(fit.residuals):
        draws = widened(fit, draws, beyond, seed)
    return scattered(fit, draws, seed) if of == "new-run" else draws


def _moving(fit: Fit) -> Array:
    return fit.draws if len(fit.draws) else fit.estimate[None]
