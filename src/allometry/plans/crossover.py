"""Where two fits predict the same along one axis: the budget from which one procedure overtakes another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import FIT_NOISE, MOST_LOST, metric_at, percentiles
from allometry.notices import Interval, Refused
from allometry.plans.ends import ends_json

Array: TypeAlias = NDArray[np.float64]
Which: TypeAlias = Literal["first", "second"]

_POINTS = 513  # of the range that is searched: two crossings closer than a 512th of it are taken for none
_HALVINGS = 50


@dataclass(frozen=True)
class Crossing:
    """One value of the axis at which the two predict the same, and which of them is the lower beyond it."""

    at: Interval
    lower_beyond: Which


@dataclass(frozen=True)
class Crossovers:
    """All crossings between `low` and `high`, in order; `sentence` says it in words, also that there are none.

    `share` is the share of the draws that cross at least once in that range, None without draws; `interval`
    what the intervals hold.
    """

    axis: str
    low: float
    high: float
    crossings: tuple[Crossing, ...]
    sentence: str
    share: float | None
    interval: str

    def as_json(self) -> dict[str, object]:
        return {
            "axis": self.axis,
            "low": self.low,
            "high": self.high,
            "crossings": [{**ends_json(found.at), "lower_beyond": found.lower_beyond} for found in self.crossings],
            "sentence": self.sentence,
            "share_of_draws": self.share,
            "interval": self.interval,
        }


def crossover(
    first: Fit, second: Fit, axis: str, at: Mapping[str, float], low: float, high: float, *, level: float | None = None
) -> Crossovers:
    """Where two fits have equal metric along one axis between `low` and `high`.

    Use it to compare procedures, data sets or model families over all budgets instead of at one. Fits may be of
    different laws and of published constants. Not as proof beyond the runs: the interval holds fit noise only,
    and two nearly parallel curves cross anywhere.

    Arguments: `axis` is an axis of both laws, positive between the ends of the range; `at` gives every further
    axis of either law one value; `level` of the intervals, by default that of `first`. Draws of fits to the same
    runs are paired resample by resample; a published fit has none and counts as exact.
    Errors: `Refused` for different metrics, an axis that one of them lacks, a range that is none, a missing value,
    and where a law has no value in the range.

    >>> from allometry.fits import published_fit
    >>> clip, mammut = published_fit("comparison@clip"), published_fit("comparison@mammut")
    >>> found = crossover(clip, mammut, "flops", {}, 1e18, 1e22)
    >>> f"{found.crossings[0].at.value:.2g}", found.crossings[0].lower_beyond
    ('8.4e+19', 'second')
    >>> crossover(clip, mammut, "flops", {}, 1e21, 1e22).sentence
    'none in range: second is lower all the way from flops = 1e+21 to 1e+22'
    """
    _check(first, second, axis, at, low, high)
    places = np.linspace(np.log(low), np.log(high), _POINTS)
    search = _Search(first, second, axis, at, places)
    here, rising = search.crossings(first.estimate[None], second.estimate[None])[0]
    drawn = search.crossings(*paired_draws(first, second))
    level = first.settings.level if level is None else level
    crossings = tuple(
        Crossing(_interval(place, up, drawn, level), "second" if up else "first")
        for place, up in zip(here, rising, strict=True)
    )
    share = float(np.mean([len(found) > 0 for found, _ in drawn])) if drawn else None
    apart = search.difference(first.estimate[None], second.estimate[None])[0]
    lower: Which = "first" if apart[0] < 0 else "second"
    said = _sentence(axis, crossings, lower, low, high) if np.any(apart != 0) else "the two are equal all the way"
    return Crossovers(axis, low, high, crossings, said, share, FIT_NOISE if drawn else "none")


@dataclass(frozen=True)
class _Search:
    """The difference first - second over draws, and its changes of sign along log axis."""

    first: Fit
    second: Fit
    axis: str
    at: Mapping[str, float]
    places: Array

    def difference(self, one: Array, other: Array, places: Array | None = None) -> Array:
        """(B, k) at log places (k,) or (B, k), of draws (B, P) of either fit."""
        x = np.exp(self.places if places is None else places)
        values = [
            metric_at(fit.law, draws, {name: x if name == self.axis else np.array([self.at[name]]) for name in fit.law.axes})
            for fit, draws in ((self.first, one), (self.second, other))
        ]  # fmt: skip
        return np.asarray(np.broadcast_to(values[0] - values[1], (len(one), x.shape[-1])))

    def crossings(self, one: Array, other: Array) -> list[tuple[Array, NDArray[np.bool_]]]:
        """For each draw the log places of its crossings, and whether the difference rises through zero there."""
        values = self.difference(one, other)
        below: NDArray[np.bool_] = np.less(values, 0.0)
        # a draw without a value somewhere in the range tells nothing of where it crosses
        changes = (below[:, 1:] != below[:, :-1]) & np.isfinite(values).all(axis=1, keepdims=True)
        draw, cell = np.nonzero(changes)
        rising = below[draw, cell]
        found = self._bisected(one[draw], other[draw], self.places[cell], self.places[cell + 1], rising)
        return [(found[draw == b], rising[draw == b]) for b in range(len(one))]

    def _bisected(self, one: Array, other: Array, left: Array, right: Array, rising: NDArray[np.bool_]) -> Array:
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            before = (self.difference(one, other, middle[:, None])[:, 0] < 0) == rising
            left, right = np.where(before, middle, left), np.where(before, right, middle)
        return np.asarray((left + right) / 2)


def paired_draws(first: Fit, second: Fit) -> tuple[Array, Array]:
    """Draws of both fits, row by row: the same resamples where both are of the same runs, else independent ones."""
    one, other = first.draws, second.draws
    if not len(one) or not len(other):
        count = max(len(one), len(other))
        held = [fit.draws if len(fit.draws) else np.repeat(fit.estimate[None], count, 0) for fit in (first, second)]
        return held[0], held[1]
    if len(first.draw_numbers) and np.array_equal(first.rows.target, second.rows.target):
        _, i, j = np.intersect1d(first.draw_numbers, second.draw_numbers, return_indices=True)
        return one[i], other[j]
    # against the order: fits with one seed resample alike, row number by row number, also tables that share no run
    count = min(len(one), len(other))
    return one[:count], other[::-1][:count]


def _interval(place: float, rising: bool, drawn: list[tuple[Array, NDArray[np.bool_]]], level: float) -> Interval:
    """A crossing with the percentiles of the nearest crossing of each draw that goes the same way."""
    near = np.full(len(drawn), np.nan)
    for b, (found, up) in enumerate(drawn):
        alike = found[up == rising]
        if len(alike):
            near[b] = alike[np.argmin(np.abs(alike - place))]
    lost = float(np.isnan(near).mean()) if drawn else 0.0
    if lost > MOST_LOST:
        return Interval(float(np.exp(place)), None, None, f"{lost:.0%} of the draws do not cross that way in range")
    return percentiles(float(np.exp(place)), np.exp(near), level, "neither fit has draws")


def _sentence(axis: str, crossings: tuple[Crossing, ...], lower: Which, low: float, high: float) -> str:
    if not crossings:
        return f"none in range: {lower} is lower all the way from {axis} = {low:g} to {high:g}"
    turns = ", ".join(f"{found.lower_beyond} beyond {found.at.value:.3g}" for found in crossings)
    return f"{lower} is lower at {axis} = {low:g}, {turns}"


def _check(first: Fit, second: Fit, axis: str, at: Mapping[str, float], low: float, high: float) -> None:
    if first.law.metric != second.law.metric:
        message = f"one predicts {first.law.metric}, the other {second.law.metric}"
        raise Refused("different-metrics", message, "the two fits", "compare fits of one metric")
    for fit in (first, second):
        if axis not in fit.law.axes:
            has = ", ".join(fit.law.axes)
            raise Refused("unknown-axis", f"{fit.law.name} has no axis {axis}", "axis", f"it has {has}")
        missing = [name for name in fit.law.axes if name != axis and name not in at]
        if missing:
            raise Refused("missing-axis", f"{fit.law.name} needs a value for {missing[0]}", "at", "give one")
    if not 0 < low < high < np.inf:
        raise Refused(
            "bad-range", f"{low:g} to {high:g} is no range", axis, "give two positive numbers, the smaller first"
        )
    for fit in (first, second):
        # evaluated by the law itself, which says where it has no value
        fit.predict({name: np.geomspace(low, high, _POINTS) if name == axis else at[name] for name in fit.law.axes})
