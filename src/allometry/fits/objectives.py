"""What a fit minimises: a weighted sum over rows of a loss of the residual, in the fitting space.

A residual is prediction minus measurement. Every objective is one small class with the loss,
its slope, its curvature and the majorising curvature (slope / residual) that keeps steps safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from allometry.notices import Refused

Array = np.ndarray
# 1.345 robust standard deviations keep 95% efficiency under Gaussian noise: Huber 1981, sec. 4.
HUBER_EFFICIENCY = 1.345
MAD_TO_SD = 1.4826


class Objective(Protocol):
    """Loss of a residual array of any shape, elementwise.

    `delta` is the half-width of the quadratic part: None where there is none, 0 where it is not
    yet chosen. `at(delta)` gives the same objective with another quadratic part.
    """

    name: ClassVar[str]

    @property
    def delta(self) -> float | None: ...
    def at(self, delta: float) -> Objective: ...
    def loss(self, r: Array) -> Array: ...
    def slope(self, r: Array) -> Array: ...
    def curvature(self, r: Array) -> Array: ...
    def majorant(self, r: Array) -> Array: ...


@dataclass(frozen=True)
class Huber:
    """Quadratic within `delta`, linear beyond: the default, robust to a few bad runs.

    `delta` is in units of the fitting space (log loss by default); "auto" takes 1.345 robust
    standard deviations of a pilot fit's residuals. Source: Huber 1964; Hoffmann et al. 2022,
    eq. 3, use 1e-3.

    >>> Huber(1e-3).loss(np.array([0.0005, 0.01])).tolist()
    [1.25e-07, 9.5e-06]
    """

    delta_setting: float | str = "auto"
    name: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        if self.delta_setting != "auto" and not (
            isinstance(self.delta_setting, int | float) and self.delta_setting > 0
        ):
            raise Refused("bad-delta", f"delta is {self.delta_setting!r}", "delta", "give a number above zero, or auto")

    @property
    def delta(self) -> float | None:
        return 0.0 if isinstance(self.delta_setting, str) else float(self.delta_setting)

    def at(self, delta: float) -> Huber:
        return Huber(delta)

    def loss(self, r: Array) -> Array:
        d, size = self._delta, np.abs(r)
        inside = np.minimum(size, d)
        return inside * (size - 0.5 * inside)

    def slope(self, r: Array) -> Array:
        return np.clip(r, -self._delta, self._delta)

    def curvature(self, r: Array) -> Array:
        return (np.abs(r) <= self._delta).astype(float)

    def majorant(self, r: Array) -> Array:
        return self._delta / np.maximum(np.abs(r), self._delta)

    @property
    def _delta(self) -> float:
        if isinstance(self.delta_setting, str):
            raise ValueError("delta is chosen from a pilot fit before the objective is used")
        return float(self.delta_setting)


@dataclass(frozen=True)
class Squared:
    """Half the squared residual: least squares. Use it for clean Gaussian noise; one bad run moves it."""

    name: ClassVar[str] = "squared"

    @property
    def delta(self) -> float | None:
        return None

    def at(self, delta: float) -> Squared:
        return self

    def loss(self, r: Array) -> Array:
        return 0.5 * r * r

    def slope(self, r: Array) -> Array:
        return r

    def curvature(self, r: Array) -> Array:
        return np.ones_like(r)

    def majorant(self, r: Array) -> Array:
        return np.ones_like(r)


@dataclass(frozen=True)
class Asymmetric:
    """Absolute residual, `over` times as costly where the prediction lies above the measurement.

    With `over` 1 it is least absolute deviation. Above 1 it fits a lower envelope: for ladders
    whose runs are under-tuned now and then. The kink is rounded over a thousandth of the
    residuals' scale, so the minimum is that of the kinked sum to about that precision.
    """

    over: float = 1.0
    rounding: float = 0.0
    name: ClassVar[str] = "asymmetric"

    def __post_init__(self) -> None:
        if not self.over > 0:
            raise Refused(
                "bad-asymmetry", f"the cost of over-prediction is {self.over!r}", "over", "give a number above zero"
            )

    @property
    def delta(self) -> float | None:
        return self.rounding

    def at(self, delta: float) -> Asymmetric:
        return Asymmetric(self.over, delta)

    def _side(self, r: Array) -> Array:
        return np.where(r > 0, self.over, 1.0)

    def loss(self, r: Array) -> Array:
        size, d = np.abs(r), max(self.rounding, 1e-300)
        inside = np.minimum(size, d)
        return self._side(r) * inside / d * (size - 0.5 * inside)

    def slope(self, r: Array) -> Array:
        d = max(self.rounding, 1e-300)
        return self._side(r) * np.clip(r / d, -1.0, 1.0)

    def curvature(self, r: Array) -> Array:
        d = max(self.rounding, 1e-300)
        return self._side(r) * (np.abs(r) <= d) / d

    def majorant(self, r: Array) -> Array:
        return self._side(r) / np.maximum(np.abs(r), max(self.rounding, 1e-300))


def robust_scale(residuals: Array) -> float:
    """Standard deviation by the median absolute deviation, for residuals (n,)."""
    return MAD_TO_SD * float(np.median(np.abs(residuals - np.median(residuals))))


def objective_named(name: str, delta: float | str = "auto", over: float = 5.0) -> Objective:
    """The objective of a command-line name: huber, squared, absolute or asymmetric."""
    known: dict[str, Objective] = {
        "huber": Huber(delta) if name == "huber" else Huber(),
        "squared": Squared(),
        "absolute": Asymmetric(1.0),
        "asymmetric": Asymmetric(over),
    }
    if name not in known:
        raise Refused(
            "unknown-objective", f"no objective is called {name!r}", "robust", f"use one of {', '.join(known)}"
        )
    return known[name]
