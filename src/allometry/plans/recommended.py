"""The recommended point: the allocation of least expected excess loss over the draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.plans.allocation import placed, within
from allometry.plans.decision import Decision
from allometry.plans.stakes import ROUNDING, Priced, Stakes
from allometry.plans.terms import TOKENS, Space

Array = NDArray[np.float64]

# Assumed: a size within 1% of the plain optimum's is the same plan; no buildable decoder is met more closely than that.
SAME_SIZE = 0.01
_GRID = 33  # over the draws' own optima, which are a decade apart at most where a plan is worth making


@dataclass(frozen=True)
class Recommended:
    """The allocation of least expected excess, and whether it differs from the plain optimum by more than 1% in size."""

    priced: Priced
    differs: bool

    def as_json(self) -> dict[str, object]:
        return {**self.priced.as_json(), "differs": self.differs}


def recommended_point(stakes: Stakes, decision: Decision) -> dict[str, float]:
    """Every axis of the law at the allocation of least expected excess; the plain point where nothing is better.

    For every setting of the further axes a grid over the sizes that some draw would choose, refined
    around its best; of listed sizes or tokens, the best of them.
    """
    plain = decision.point
    found = [plain, *(_searched(stakes, plain, setting) for setting in stakes.space.settings)]
    if stakes.space.options is not None:
        found = [plain, *listed_points(stakes.flops, stakes.space)]
    expected = stakes.expected({name: np.array([point[name] for point in found]) for name in plain})
    best = int(np.argmin(expected))
    return found[best] if expected[best] < expected[0] - ROUNDING else plain


def differs(point: Mapping[str, float], decision: Decision) -> bool:
    """Whether an allocation is another one than the plain: by over 1% in size, or in a further axis."""
    plain, size = decision.point, decision.space.size
    apart = abs(math.log(point[size] / plain[size])) > math.log1p(SAME_SIZE)
    return apart or any(point[name] != value for name, value in decision.setting.items())


def listed_points(flops: float, space: Space) -> Iterable[dict[str, float]]:
    """The allocations of a budget at the listed sizes or tokens that keep the limits, in every setting."""
    name, values = space.options or ("", np.empty(0))
    other = TOKENS if name == space.size else space.size
    partner = flops / FLOPS_PER_PARAMETER_AND_TOKEN / values
    kept = within(values, space.limits[name]) & within(partner, space.limits[other])
    for value, rest in zip(values[kept].tolist(), partner[kept].tolist(), strict=True):
        yield from ({name: value, other: rest, **setting} for setting in space.settings)


def sized_points(flops: float, space: Space, log_size: Array, setting: Mapping[str, float]) -> dict[str, Array]:
    """The allocations (k,) of a budget at log sizes (k,)."""
    size, tokens = placed(space, log_size, np.log(flops / FLOPS_PER_PARAMETER_AND_TOKEN) * np.ones_like(log_size))
    return {space.size: size, TOKENS: tokens, **{name: np.full_like(size, value) for name, value in setting.items()}}


def _searched(stakes: Stakes, plain: Mapping[str, float], setting: Mapping[str, float]) -> dict[str, float]:
    """The best size in one setting, between the least and the largest that any draw would choose."""
    ends = np.log(np.append(stakes.best.size, plain[stakes.space.size]))

    def points(log_size: Array) -> dict[str, Array]:
        return sized_points(stakes.flops, stakes.space, log_size, setting)

    grid = np.linspace(ends.min(), ends.max(), _GRID)
    at = int(np.argmin(stakes.expected(points(grid))))
    x = float(grid[at])
    low, high = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, _GRID - 1)])
    if high - low > ROUNDING:
        found = minimize_scalar(lambda size: float(stakes.expected(points(np.array([size])))[0]),
                                bounds=(low, high), method="bounded", options={"xatol": 1e-7})  # fmt: skip
        x = min((x, float(found.x)), key=lambda size: float(stakes.expected(points(np.array([size])))[0]))
    return {name: float(values[0]) for name, values in points(np.array([x])).items()}
