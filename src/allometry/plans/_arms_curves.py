"""What paired draws of two arms say: the gap over scale, its worth in compute, where it turns, whether an order holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.forecasts import MOST_LOST, metric_at, percentiles
from allometry.notices import Interval
from allometry.plans._arms_scale import FLOPS, Scale
from allometry.plans.ends import ends_json, open_percentiles
from allometry.plans.reach import LEAST_FLOPS, MOST_FLOPS

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

GRID = 33  # places of the range searched for crossings; two nearer than a 32nd of it are taken for none
SHOWN = 4  # every fourth of them is in the table
_HALVINGS = 40


@dataclass(frozen=True)
class Gap:
    """Both arms at one place of the scale, and the second minus the first; `lower` is the share of draws in which the
    second is the lower."""

    place: float
    values: tuple[float, float]
    difference: Interval
    lower: float | None

    def as_json(self) -> dict[str, object]:
        """`place`, both values, the difference, and the share of draws."""
        return {
            "place": self.place, "values": list(self.values), "difference": ends_json(self.difference),
            "share_second_lower": self.lower,
        }  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """The last place between `low` and `high` where the difference changes sign, and which arm is lower beyond it.

    `at` has no value where the two fits do not cross there; `share` is that of the draws that cross somewhere there.
    """

    at: Interval
    lower_beyond: str | None
    low: float
    high: float
    share: float | None

    def as_json(self) -> dict[str, object]:
        """`value`, `low`, `high`, `why`, and the range searched."""
        return {
            **ends_json(self.at), "lower_beyond": self.lower_beyond, "range": [self.low, self.high],
            "share_of_draws": self.share,
        }  # fmt: skip


@dataclass(frozen=True)
class Order:
    """Who is lower at the largest common rung, and the share `holds` of paired draws with the same order at the target.

    `measured` is the mean difference of the runs there (None without a common rung), `fitted` that of the curves, at
    `place` of the scale.
    """

    place: float
    measured: float | None
    fitted: Interval
    holds: float | None
    lower: str

    def as_json(self) -> dict[str, object]:
        """The order seen, by measurement and by fit, and the share of draws in which it holds."""
        return {
            "place": self.place, "measured": self.measured, "fitted": ends_json(self.fitted),
            "lower": self.lower, "holds": self.holds,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Twins:
    """The fits of two arms on one scale; arrays over draws hold the estimate first, then the resamples both kept.

    `widening` (1 or more) is how much further from the estimate draws are put: rungs scatter less about a curve that
    was fitted to them than about the true one.
    """

    first: Fit
    second: Fit
    scale: Scale
    names: tuple[str, str]
    level: float
    widening: float

    @cached_property
    def draws(self) -> tuple[Array, Array]:
        """Parameters (1 + B, P) of both arms."""
        _, i, j = np.intersect1d(self.first.draw_numbers, self.second.draw_numbers, return_indices=True)
        one = np.concatenate([self.first.estimate[None], self.first.draws[i]])
        return one, np.concatenate([self.second.estimate[None], self.second.draws[j]])

    def at(self, places: Array) -> tuple[Array, Array]:
        """The metric (1 + B, k) of both arms at places (k,)."""
        fits = (self.first, self.second)
        one, other = (self.scale.values(fit.law, own, places) for fit, own in zip(fits, self.draws, strict=True))
        return one, other

    @cached_property
    def target(self) -> tuple[Array, Array]:
        """The metric (1 + B,) of both arms at the target."""
        one, other = self.at(np.array([self.scale.target]))
        return one[:, 0], other[:, 0]

    def interval(self, values: Array) -> Interval:
        """The first of the values (1 + B,) with the percentiles of the others."""
        if not np.isfinite(values[0]):
            return Interval(None, None, None, "the fits have no finite value there")
        return percentiles(float(values[0]), self.widened(values)[1:], self.level, self.first.interval_kind)

    def widened(self, values: Array) -> Array:
        """Values (1 + B,) further from the first of them, unless that is infinite."""
        return values[0] + self.widening * (values - values[0]) if np.isfinite(values[0]) else values

    def gaps(self, low: float, high: float) -> tuple[tuple[Gap, ...], Turn]:
        """The difference over a grid of the scale, and where it changes sign last."""
        places = np.geomspace(low, high, GRID)
        one, other = self.at(places)
        apart = other - one
        shown = tuple(
            Gap(float(places[k]), (float(one[0, k]), float(other[0, k])), self.interval(apart[:, k]), _share(self.widened(apart[:, k])[1:] < 0))
            for k in range(0, GRID, SHOWN)
        )  # fmt: skip
        return shown, self._turn(places, apart)

    def _turn(self, places: Array, apart: Array) -> Turn:
        """Crossings by straight lines between the places of the grid, on the logarithm of the scale."""
        x = np.log(places)
        falls: Mask = np.less(apart, 0.0)
        changes = (falls[:, 1:] != falls[:, :-1]) & np.isfinite(apart).all(axis=1, keepdims=True)
        crossed = _share(changes[1:].any(axis=1))
        low, high = float(places[0]), float(places[-1])
        own = np.flatnonzero(changes[0])
        if not len(own):
            lower = self.names[1] if falls[0, 0] else self.names[0]
            alike = bool((apart[0] == 0).all())
            why = f"none in range: {'the two are equal' if alike else f'{lower} is lower'} all the way from {low:.3g} to {high:.3g}"
            return Turn(Interval(None, None, None, why), None, low, high, crossed)
        with np.errstate(all="ignore"):
            found = x[:-1] + np.diff(x) * apart[:, :-1] / (apart[:, :-1] - apart[:, 1:])
        last = int(own[-1])
        alike_draws = np.where(changes & (falls[:, 1:] == falls[0, last + 1]), found, np.nan)
        far = np.where(np.isnan(alike_draws), np.inf, np.abs(alike_draws - found[0, last]))
        near = alike_draws[np.arange(len(apart)), np.argmin(far, axis=1)]
        value, lost = float(np.exp(found[0, last])), float(np.isnan(near[1:]).mean()) if len(near) > 1 else 0.0
        if lost > MOST_LOST:
            at = Interval(value, None, None, f"{lost:.0%} of the draws do not cross that way in range")
        else:
            at = percentiles(value, np.exp(self.widened(near)[1:]), self.level, self.first.interval_kind)
        beyond = self.names[1] if falls[0, last + 1] else self.names[0]
        return Turn(at, beyond, low, high, crossed)

    def multiplier(self) -> Interval:
        """Times the target's FLOPs at which the first arm has what the second has at the target."""
        if self.scale.name != FLOPS:
            return Interval(None, None, None, f"the scale is {self.scale.name}, not compute")
        goal, theta = self.target[1], self.draws[0]
        # from a curve's own slope: metrics of which more is better rise
        ends = self.scale.values(self.first.law, theta[:1], np.array([LEAST_FLOPS, MOST_FLOPS]))[0]
        sign = 1.0 if ends[0] >= ends[1] else -1.0

        def short(places: Array) -> Mask:
            """Where the first has not yet reached the goal (at log places (1 + B,))."""
            value = self.scale.values(self.first.law, theta, np.exp(places)[:, None])[:, 0]
            return np.asarray(sign * (value - goal) > 0)

        times = _reach(short, len(theta)) - np.log(self.scale.target)
        times = np.where(np.isfinite(goal), times, np.nan)
        return self._times(np.exp(self.widened(times)))

    def _times(self, times: Array) -> Interval:
        first, second = self.names
        metric = self.first.law.metric
        value = float(times[0]) if np.isfinite(times[0]) and times[0] > 0 else None
        why = [] if value is not None else [
            f"the curve of {first} {'never reaches' if times[0] > 0 else 'starts beyond'} the {metric} of {second} at the target"
        ]  # fmt: skip
        if len(times) < 2:
            return Interval(value, None, None, "; ".join([*why, self.first.interval_kind]))
        draws = times[1:]
        found = open_percentiles(draws, self.level)
        never, early = float(np.mean(np.isposinf(draws))), float(np.mean(draws == 0))
        if found.high is None and never:
            why.append(f"in {never:.0%} of the draws {first} never reaches {second}")
        if early > MOST_LOST:
            why.append(f"in {early:.0%} of the draws {first} is ahead at any compute")
        return Interval(
            value, None if early > MOST_LOST else found.low, found.high, "; ".join([*why, *filter(None, [found.why])])
        )

    def order(
        self, points: list[tuple[Mapping[str, float], Mapping[str, float]]], place: float, measured: float | None
    ) -> Order:
        """Whether the order at settings of both arms (without any: at a place of the scale) is that of the target."""
        if points:
            apart = np.mean([self._apart(one, other) for one, other in points], axis=0)
        else:
            one, other = self.at(np.array([place]))
            apart = other[:, 0] - one[:, 0]
        seen = float(apart[0]) if measured is None else measured
        gap = self.widened(self.target[1] - self.target[0])[1:]
        gap = gap[np.isfinite(gap)]
        holds = _share(np.sign(gap) == np.sign(seen)) if seen else None
        lower = "neither" if seen == 0 else self.names[1] if seen < 0 else self.names[0]
        return Order(place, measured, self.interval(apart), holds, lower)

    def _apart(self, one: Mapping[str, float], other: Mapping[str, float]) -> Array:
        values = [
            metric_at(fit.law, own, {name: np.array([value]) for name, value in point.items()})[:, 0]
            for fit, own, point in zip((self.first, self.second), self.draws, (one, other), strict=True)
        ]
        return np.asarray(values[1] - values[0])


def _share(holds: Mask) -> float | None:
    return float(np.mean(holds)) if len(holds) else None


def _reach(short: Callable[[Array], Mask], count: int) -> Array:
    """The log place (count,) where each stops falling short: infinite where none does, -infinite where all do not."""
    low, high = np.full(count, np.log(LEAST_FLOPS)), np.full(count, np.log(MOST_FLOPS))
    never, early = short(high), ~short(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        before = short(middle)
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.asarray(np.where(early, -np.inf, np.where(never, np.inf, (low + high) / 2)))
