"""How far outside the runs a point lies, in decades, and a plain word for it.

Axis by axis alone would call most larger runs interpolation: each axis of them lies within the
table while no run is near. So compute and the distance from the nearest run count as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from scipy.spatial import KDTree

from allometry.costs import compute_of
from allometry.forecasts.metric import Array
from allometry.notices import Interval
from allometry.runs import Rows

Word: TypeAlias = Literal["inside", "edge", "beyond", "far beyond", "unknown"]

# Assumed. A quarter decade is about one step of a usual ladder; one decade is as far as cutting the table back tests.
EDGE, FAR = 0.25, 1.0
SPACING_QUANTILE = 0.95


@dataclass(frozen=True)
class Extrapolation:
    """Where a point lies against the runs, in decades (powers of ten).

    `axes` is how far it is above (+) or below (-) the range of each axis, 0 within it; `compute` the
    same for training FLOPs, None where they are not known; `distance` to the nearest run over all
    axes; `spacing` how far apart the runs themselves are (95% have a neighbour nearer than this).
    An axis with values of zero and below is measured in ranges of the table in place of decades.
    Where there are no runs to compare with, `word` is "unknown" and `missing` says why.
    """

    word: Word
    axes: Mapping[str, float]
    compute: float | None
    distance: float | None
    spacing: float | None
    missing: str = ""

    @property
    def sentence(self) -> str:
        """The same in words."""
        if self.distance is None:
            return f"no runs to compare with: {self.missing}"
        outside = [f"{abs(d):.2f} decades {_side(d)} the runs in {name}" for name, d in self._named() if d]
        near = f"{self.distance:.2f} decades from the nearest run (runs are within {self.spacing:.2f} of each other)"
        return f"{self.word}: " + ", ".join([*outside, near])

    def of_calibrated(self, found: Interval) -> Interval:
        """A calibrated interval as it may be shown: without ends where the distance that it turns on is not known."""
        return Interval(found.value, None, None, self.sentence) if self.word == "unknown" else found

    def _named(self) -> list[tuple[str, float]]:
        return [("compute", self.compute or 0.0), *self.axes.items()]

    def as_json(self) -> dict[str, object]:
        return {
            "word": self.word,
            "axes": dict(self.axes),
            "compute": self.compute,
            "distance": self.distance,
            "spacing": self.spacing,
            "sentence": self.sentence,
        }


def _side(decades: float) -> str:
    return "above" if decades > 0 else "below"


@dataclass(frozen=True)
class Surroundings:
    """The runs of a fit as the neighbourhood that points are compared with.

    >>> rows = Rows({"params": np.array([1e7, 1e8, 1e9]), "tokens": np.array([1e9, 1e10, 1e11])}, np.zeros(3), "loss")
    >>> found = Surroundings(rows).of({"params": 1e10, "tokens": 1e11})
    >>> found.word, found.axes["params"], round(found.compute, 3), found.distance
    ('beyond', 1.0, 1.0, 1.0)
    >>> Surroundings(rows).of({"params": 3e8, "tokens": 3e10}).word
    'inside'
    """

    rows: Rows

    def of(self, point: Mapping[str, float]) -> Extrapolation:
        """How far a point, a value for each axis of the rows, lies outside them.

        The word goes by the largest of: decades outside on an axis, decades outside in compute, and
        decades by which the nearest run is farther than runs are from each other. "inside" is none
        of them, "edge" up to 0.25, "beyond" up to 1, "far beyond" above (thresholds assumed).
        """
        if not len(self.rows):
            withheld = self.rows.withheld is not None
            why = "the runs were not handed on with the fit" if withheld else "the constants are published"
            return Extrapolation("unknown", {}, None, None, None, why)
        place = np.array([scale.of(point[name]) for name, scale in self._scales.items()])
        low, high = self._places.min(axis=0), self._places.max(axis=0)
        outside = _outside(place, low, high)
        distance = float(self._tree.query(place)[0])
        compute = self._compute(point)
        reach = max(np.abs(outside).max(initial=0.0), abs(compute or 0.0), distance - self._spacing)
        axes = dict(zip(self._scales, outside.tolist(), strict=True))
        return Extrapolation(_word(reach), axes, compute, distance, self._spacing)

    def _compute(self, point: Mapping[str, float]) -> float | None:
        runs, own = compute_of(self.rows.axes), compute_of(point)
        if runs is None or own is None:
            return None
        logs = np.log10(runs)
        return float(_outside(np.log10(own), logs.min(), logs.max()))

    @cached_property
    def _scales(self) -> dict[str, _Scale]:
        return {name: _scale(values) for name, values in self.rows.axes.items()}

    @cached_property
    def _places(self) -> Array:
        columns = [scale.all_of(self.rows.axes[name]) for name, scale in self._scales.items()]
        return np.unique(np.stack(columns, axis=1), axis=0)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self._places)

    @cached_property
    def _spacing(self) -> float:
        """The 95th percentile of the distance from each distinct run to its nearest other."""
        if len(self._places) < 2:
            return 0.0
        nearest = self._tree.query(self._places, k=2)[0][:, 1]
        return float(np.quantile(nearest, SPACING_QUANTILE))


@dataclass(frozen=True)
class _Scale:
    """A coordinate whose unit is a decade, or the table's range for an axis that is not positive."""

    logarithmic: bool
    unit: float

    def of(self, value: float) -> float:
        return float(self.all_of(np.array([value]))[0])

    def all_of(self, values: Array) -> Array:
        return np.log10(values) if self.logarithmic else values / self.unit


def _scale(values: Array) -> _Scale:
    return _Scale(bool(np.all(values > 0)), float(np.ptp(values)) or 1.0)


def _outside(place: Array, low: Array, high: Array) -> Array:
    """Signed distance outside [low, high]; rounding of logarithms is not a distance."""
    gap = np.maximum(place - high, 0.0) - np.maximum(low - place, 0.0)
    return np.where(np.abs(gap) > 1e-9, gap, 0.0)


def _word(reach: float) -> Word:
    if reach <= 1e-9:
        return "inside"
    if reach <= EDGE + 1e-9:
        return "edge"
    return "beyond" if reach <= FAR + 1e-9 else "far beyond"
