"""Proportions of sources nearest to a target by optimal transport, along the gradient that its potentials give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

from allometry.data.selection.resamples import resampled
from allometry.data.selection.sources import Pilot, checked, cost_matrix
from allometry.data.selection.transport import Array, transport
from allometry.forecasts import percentiles
from allometry.notices import Interval, Notice, Refused

MOST_STEPS, GAP = 200, 1e-4  # steps, and the distance above the least that ends them, as a share of it
ROUNDING = 1e-6


class Distance(NamedTuple):
    """The transport distance of a mixture, and its slope (k,) along each source's share, on average none."""

    value: float
    slope: Array


@dataclass(frozen=True)
class Selection:
    """The proportions nearest to the target: `shares` with intervals over resampled pilots, their `distance`, that of each
    source `alone` and of `even` shares. `gap` is how far above the least the distance may be, as the cuts prove."""

    shares: Mapping[str, Interval]
    distance: Interval
    alone: Mapping[str, float]
    even: float
    gap: float
    notices: tuple[Notice, ...]


class Mixtures:
    """The transport distance from mixtures of sources to a target, for many proportions of the same pilots.

    Use it to make the axis `transport_distance` of the law transport_accuracy, and to choose proportions. Distances are
    squared where features are: another cost is another axis.
    Errors: `Refused` for sources that cannot be compared, and proportions that do not sum to one.

    >>> from allometry.data.selection import pilot
    >>> found = Mixtures({"near": pilot([[0.0], [1.0]]), "far": pilot([[5.0], [6.0]])}, pilot([[0.0], [1.0]]))
    >>> found.distance([1.0, 0.0]).value, found.distance([0.0, 1.0]).value
    (0.0, 25.0)
    """

    def __init__(self, sources: Mapping[str, Pilot], target: Pilot, *, label_weight: float = 1.0) -> None:
        checked(sources, target)
        self.names = tuple(sources)
        self.counts = np.array([len(one) for one in sources.values()])
        self.cost = cost_matrix(sources, target, label_weight)
        self.columns = np.full(len(target), 1 / len(target))
        self._source = np.repeat(np.arange(len(self.names)), self.counts)

    def distance(self, shares: Array | list[float]) -> Distance:
        """The distance at shares (k,); its slope is the mean potential of each source, less the mean over sources.

        Source: Kang et al. 2023, arXiv 2307.02460: calibrated gradient, for shares can only move against each other.
        """
        given = np.asarray(shares, dtype=np.float64)
        if given.shape != (len(self.names),) or np.any(given < 0) or abs(given.sum() - 1) > ROUNDING:
            raise Refused("not-one", f"the proportions {given.tolist()} are not {len(self.names)} shares that sum to 1",
                          ", ".join(self.names), "give each source its share")  # fmt: skip
        found = transport(self.cost, (given / given.sum() / self.counts)[self._source], self.columns)
        slope = np.bincount(self._source, weights=found.rows) / self.counts
        return Distance(found.distance, slope - slope.mean())

    def nearest(self) -> tuple[Array, Distance, float]:
        """Shares of least distance, the distance there, and how far above the least it may be.

        The distance is convex and made of planes: each slope is a plane below it, and the least of the planes together
        is where to look next (Kelley 1960). So the end is proven, not hoped for.
        """
        count = len(self.names)
        shares, best = np.full(count, 1 / count), (np.full(count, 1 / count), Distance(np.inf, np.zeros(count)))
        slopes, levels = list[Array](), list[float]()
        for _ in range(MOST_STEPS):
            found = self.distance(shares)
            if found.value < best[1].value:
                best = shares, found
            slopes.append(np.append(found.slope, -1.0))
            levels.append(float(found.slope @ shares - found.value))
            ends = [(0, 1)] * count + [(None, None)]
            planes = linprog(
                np.append(np.zeros(count), 1.0), np.stack(slopes), levels, [[1.0] * count + [0.0]], [1.0], ends
            )
            gap = best[1].value - float(planes.x[-1])
            if gap <= GAP * best[1].value + 1e-12:
                break
            shares = np.clip(planes.x[:count], 0.0, 1.0)
            shares = shares / shares.sum()
        return *best, max(gap, 0.0)


def nearest_mixture(
    sources: Mapping[str, Pilot],
    target: Pilot,
    *,
    label_weight: float = 1.0,
    resamples: int = 40,
    level: float = 0.9,
    seed: int = 0,
    kept: Path | None = None,
    tick: Callable[[int], None] = lambda _: None,
) -> Selection:
    """The proportions of sources whose mixture is nearest to a target, from pilot samples of each.

    Use it where only samples of a source are to be seen before it is bought. Not as proof of accuracy: what a distance
    is worth is told by the law transport_accuracy, fitted to a few trained mixtures.
    Arguments: `label_weight` of the labels' part of the cost; `resamples` of all pilots, for the intervals; `kept` a file
    that these are kept in as they are made, from which a killed call goes on; `tick` is called with 1 for each.
    Errors: `Refused` for sources that cannot be compared.
    Source: Kang et al. 2023, arXiv 2307.02460.

    >>> from allometry.data.selection import pilot
    >>> low, high = pilot([[0.0], [1.0], [2.0]]), pilot([[10.0], [11.0], [12.0]])
    >>> found = nearest_mixture({"low": low, "high": high}, pilot([[0.0], [1.0], [2.0], [11.0]]), resamples=0)
    >>> round(found.shares["low"].value, 2)
    0.75
    """
    mixtures = Mixtures(sources, target, label_weight=label_weight)
    shares, found, gap = mixtures.nearest()

    def nearest(others: Mapping[str, Pilot], goal: Pilot) -> tuple[Array, float]:
        again = Mixtures(others, goal, label_weight=label_weight).nearest()
        return again[0], again[1].value

    others, spread = resampled(nearest, sources, target, resamples, seed, kept, label_weight, tick)
    why = "no resamples were asked for"
    told = {name: percentiles(float(shares[i]), others[:, i], level, why) for i, name in enumerate(mixtures.names)}
    notices = (
        (Notice("gap-left", f"the distance may be {gap:.3g} above the least"),)
        if gap > 10 * GAP * found.value + 1e-9
        else ()
    )
    # a resample repeats examples, which moves it away from the target: its spread counts, not its place
    centred = spread - spread.mean() + found.value if resamples else spread
    corners = np.eye(len(shares))
    return Selection(
        told, percentiles(found.value, centred, level, why),
        {name: mixtures.distance(corners[i]).value for i, name in enumerate(mixtures.names)},
        mixtures.distance(corners.mean(axis=0)).value, gap, notices,
    )  # fmt: skip
