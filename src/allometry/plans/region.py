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

    An end where the search stopped is empty; one at a limit of the user's is that limit. Both say so.
    """

    within: float
    axes: Mapping[str, Interval]


def near_optimal(
    law: Law,
    theta: Array,
    setting: Mapping[str, float],
    flops: float,
    loss: float,
    space: Space,
    within: tuple[float, ...],
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
    surface: Surface,
    product: Array,
    space: Space,
    bounds: Bounds,
    curve: tuple[Array, Array],
    loss: float,
    share: float,
) -> Region:
    grid, values = curve
    most = loss + share * abs(loss)
    inside = np.flatnonzero(values <= most)
    first, last = (inside[0], inside[-1]) if len(inside) else (0, _GRID - 1)
    low = _edge(surface, product, grid[first - 1], grid[first], most) if first > 0 else None
    high = _edge(surface, product, grid[last + 1], grid[last], most) if last < _GRID - 1 else None
    why = [f"cut off by {name}" for end, name in ((low, bounds.low_name), (high, bounds.high_name)) if end is None]
    # a limit of the user's is an end of what is allowed; where the search ended says nothing
    low = grid[0] if low is None and bounds.low_asked else low
    high = grid[-1] if high is None and bounds.high_asked else high
    total = float(product[0])
    return Region(share, {
        space.size: Interval(None, _exp(low), _exp(high), "; ".join(why)),
        TOKENS: Interval(None, _exp(high, total), _exp(low, total), "; ".join(why)),
    })  # fmt: skip


def _edge(surface: Surface, product: Array, outside: float, inside: float, most: float) -> float:
    """Where loss crosses `most` between two log sizes."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (outside + inside)
        if surface.loss(np.array([middle]), product)[0, 0] <= most:
            inside = middle
        else:
            outside = middle
    return inside


def _exp(log_size: float | None, total: float | None = None) -> float | None:
    """The size, or the tokens that it leaves of a product with logarithm `total`."""
    return None if log_size is None else float(np.exp(log_size if total is None else total - log_size))


def _listed(surface: Surface, product: Array, space: Space, loss: float, share: float) -> Region:
    """The listed values that are within the share."""
    name, values = space.options or ("", np.empty(0))
    partner = np.exp(product[0] - np.log(values))
    losses = surface.loss(np.log(values if name == space.size else partner), product)[0]
    good = losses <= loss + share * abs(loss) + 1e-12 * abs(loss)
    other = TOKENS if name == space.size else space.size
    return Region(
        share,
        {
            axis: Interval(None, float(kept[good].min()), float(kept[good].max()))
            for axis, kept in ((name, values), (other, partner))
        },
    )
