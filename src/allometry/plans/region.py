"""The near-optimal region: all splits of a budget that are nearly as good as the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.laws import Law
from allometry.notices import Interval
from allometry.plans.allocation import Surface
from allometry.plans.bounds import Bounds, bounds_of
from allometry.plans.terms import TOKENS, Space

Array = NDArray[np.float64]

WITHIN = (0.005, 0.01)
_GRID = 2001
_HALVINGS = 40


@dataclass(frozen=True)
class Region:
    """The least and the largest size and tokens within a share `within` of the best loss of the budget.

    An end that the search or a limit of the user cuts off is empty, with the reason.
    """

    within: float
    axes: Mapping[str, Interval]


def near_optimal(
    law: Law, theta: Array, setting: Mapping[str, float], flops: float, loss: float, space: Space, within: tuple[float, ...]
) -> tuple[Region, ...]:
    """The regions of the point estimate `theta` (P,) around its best `loss` at `flops`."""
    surface = Surface(law, theta[None], space.size, setting)
    product = np.array([np.log(flops / FLOPS_PER_PARAMETER_AND_TOKEN)])
    if space.options is not None:
        return tuple(_listed(surface, product, space, loss, share) for share in within)
    bounds = bounds_of(space, product)
    grid = np.linspace(bounds.low[0], bounds.high[0], _GRID)
    curve = surface.loss(grid, product)[0]
    return tuple(_region(surface, product, space, bounds, (grid, curve), loss, share) for share in within)


def _region(
    surface: Surface, product: Array, space: Space, bounds: Bounds, curve: tuple[Array, Array], loss: float, share: float
) -> Region:
    grid, values = curve
    most = loss + share * abs(loss)
    inside = np.flatnonzero(values <= most)
    low = high = None
    if len(inside) and inside[0] > 0:
        low = _edge(surface, product, grid[inside[0] - 1], grid[inside[0]], most)
    if len(inside) and inside[-1] < _GRID - 1:
        high = _edge(surface, product, grid[inside[-1] + 1], grid[inside[-1]], most)
    why = [f"cut off by {name}" for end, name in ((low, bounds.low_name), (high, bounds.high_name)) if end is None]
    total = float(product[0])
    size = Interval(None, _exp(low), _exp(high), "; ".join(why))
    tokens = Interval(None, _exp(None if high is None else total - high), _exp(None if low is None else total - low), size.why)
    return Region(share, {space.size: size, TOKENS: tokens})


def _edge(surface: Surface, product: Array, outside: float, inside: float, most: float) -> float:
    """Where loss crosses `most` between two log sizes."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (outside + inside)
        if surface.loss(np.array([middle]), product)[0, 0] <= most:
            inside = middle
        else:
            outside = middle
    return inside


def _exp(log: float | None) -> float | None:
    return None if log is None else float(np.exp(log))


def _listed(surface: Surface, product: Array, space: Space, loss: float, share: float) -> Region:
    """The listed values that are within the share."""
    name, values = space.options or ("", np.empty(0))
    x = np.log(values) if name == space.size else product[0] - np.log(values)
    good = x[surface.loss(x, product)[0] <= loss + share * abs(loss)]
    good = good if len(good) else x[:1]
    tokens = np.exp(product[0] - good)
    size = np.exp(good)
    return Region(share, {
        space.size: Interval(None, float(size.min()), float(size.max())),
        TOKENS: Interval(None, float(tokens.min()), float(tokens.max())),
    })  # fmt: skip
