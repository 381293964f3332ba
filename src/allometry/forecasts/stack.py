"""A stack: forecasts of several laws mixed, with weights from how they forecast before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from allometry.fits import Fit
from allometry.forecasts.extrapolation import Surroundings
from allometry.forecasts.forecast import Of, forecast_draws
from allometry.forecasts.intervals import percentiles
from allometry.forecasts.splits import Array
from allometry.notices import Interval, Refused

Codes: TypeAlias = NDArray[np.int64]

WEIGHT_RESAMPLES = 200
SUM_WEIGHT = 1e3  # of the row that makes the weights sum to one, relative to the errors


def stack_forecast(
    fits: Sequence[Fit],
    weights: Sequence[float],
    points: Sequence[Mapping[str, float]],
    *,
    of: Of = "mean",
    seed: int = 0,
) -> tuple[Interval, ...]:
    """Forecasts of several fits mixed by their weights, one interval a point.

    Use it where no law is distinguishably best: the interval then holds that laws disagree. The value is the weighted
    mean of the logarithms, as the weights were made for; the interval takes draws of each law in proportion to its
    weight. Points may carry axes that only some of the laws take.

    Errors: `Refused` for weights that are not shares, fits of different metrics, and what `forecast` refuses.

    >>> from allometry.fits import published_fit
    >>> both = [published_fit("chinchilla@hoffmann"), published_fit("chinchilla@epoch")]
    >>> round(stack_forecast(both, [0.5, 0.5], [{"params": 70e9, "tokens": 1.4e12}])[0].value, 3)
    1.955
    """
    if len(weights) != len(fits) or min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
        raise Refused("bad-weights", f"{len(fits)} fits need as many shares that sum to 1", "the stack")
    if len({fit.law.metric for fit in fits}) > 1:
        raise Refused("two-metrics", "the fits predict different metrics", "the stack", "mix fits of one metric")
    if not points:
        return ()
    told = [_told(fit, [_own(fit, point) for point in points], of, seed) for fit in fits]
    values = np.exp(np.asarray(weights) @ np.log(np.stack([value for value, _ in told])))
    mixed = _mixed([draws for _, draws in told], weights, seed)
    level = fits[0].settings.level
    return tuple(
        percentiles(float(values[i]), mixed[:, i], level, "a law of the stack has no draws") for i in range(len(points))
    )


def _told(fit: Fit, points: Sequence[Mapping[str, float]], of: Of, seed: int) -> tuple[Array, Array]:
    """Values and draws of one law; draws of new runs hold the law's own error beyond the runs, as its forecast does."""
    plain = forecast_draws(fit, points, of=of, seed=seed)
    if of == "mean":
        return plain
    around = Surroundings(fit.rows)
    return forecast_draws(fit, points, of=of, seed=seed, away=[around.of(point) for point in points])


def _own(fit: Fit, point: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in point.items() if name in fit.law.axes}


def _mixed(draws: Sequence[Array], weights: Sequence[float], seed: int) -> Array:
    """Draws (B, n) of the mixture: of each law its share; none where a law that counts has none."""
    if any(not len(own) and weight > 0 for own, weight in zip(draws, weights, strict=True)):
        return np.empty((0, draws[0].shape[1]))
    size = max(len(own) for own in draws)
    generator = np.random.default_rng([seed, 6])
    counts = np.floor(np.cumsum(np.asarray(weights)) * size + 0.5).astype(int)
    parts = [
        own[generator.integers(len(own), size=count)]
        for own, count in zip(draws, np.diff(counts, prepend=0), strict=True)
        if count
    ]
    return np.concatenate(parts)


def stack_weights(errors: Array, share: Array, codes: Codes, seed: int = 0) -> Array:
    """Weights (laws,) of a stack: those of least squared error of the mixed forecast, averaged over resampled runs.

    The average keeps laws in that only chance puts behind; a single least-squares answer would put all on one.
    Arguments: `errors` (laws, m) ln(predicted / measured), `share` (m,) of each row, `codes` (m,) its group.

    >>> errors = np.array([[0.1, -0.1, 0.1, -0.1], [0.5, 0.5, 0.5, 0.4]])
    >>> weights = stack_weights(errors, np.full(4, 0.25), np.arange(4))
    >>> bool(weights[0] > 0.9), round(float(weights.sum()), 6)
    (True, 1.0)
    """
    draws = resample_groups(codes, WEIGHT_RESAMPLES, seed)
    found = [_least(errors, share * draws[codes, b]) for b in range(draws.shape[1])]
    return np.asarray(np.mean(found, axis=0))


def _least(errors: Array, share: Array) -> Array:
    scale = max(float(np.abs(errors).max()), 1e-300)
    system = np.concatenate([errors.T / scale * np.sqrt(share)[:, None], np.full((1, len(errors)), SUM_WEIGHT)])
    weights, _ = nnls(system, np.append(np.zeros(errors.shape[1]), SUM_WEIGHT))
    return np.asarray(weights / weights.sum())


def share_of_rows(cut: Array) -> Array:
    """The weight of each row: cuts count alike, rows alike within a cut."""
    _, codes, counts = np.unique(cut, return_inverse=True, return_counts=True)
    share = 1.0 / counts[codes]
    return np.asarray(share / share.sum())


def resample_groups(codes: Codes, count: int, seed: int) -> Array:
    """How often each group is drawn in each of `count` resamples, (groups, count)."""
    groups = int(codes.max()) + 1
    drawn = np.random.default_rng([seed, 5]).multinomial(groups, np.full(groups, 1 / groups), size=count)
    return np.asarray(drawn.T, dtype=float)
