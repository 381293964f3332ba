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
_STEPS, _NARROWINGS = 33, 8  # a grid step of 0.01 in log size to its 1e12th part


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
    most = loss + np.array(within) * abs(loss)
    low, high = _crossings(surface, product, grid, most)
    return tuple(_region(space, float(product[0]), bounds, *found) for found in zip(within, low, high, strict=True))


def _crossings(surface: Surface, product: Array, grid: Array, most: Array) -> tuple[Array, Array]:
    """The first and the last log size (k,) at which loss is at most `most` (k,); NaN where the grid ends before.

    All ends are searched at once, between ever closer steps: one evaluation of the law for each narrowing.
    """
    inside = surface.loss(grid, product) <= most[:, None]
    inside |= ~inside.any(axis=1, keepdims=True)  # a valley narrower than the grid: all of it, as far as is known
    first, last = inside.argmax(axis=1), _GRID - 1 - inside[:, ::-1].argmax(axis=1)
    within = np.concatenate([grid[first], grid[last]])
    outside = np.concatenate([grid[np.maximum(first - 1, 0)], grid[np.minimum(last + 1, _GRID - 1)]])
    for _ in range(_NARROWINGS):
        steps = within[:, None] + np.linspace(0.0, 1.0, _STEPS) * (outside - within)[:, None]
        kept = surface.loss(steps.reshape(1, -1), product).reshape(steps.shape) <= np.tile(most, 2)[:, None]
        last_kept = np.clip(np.argmin(kept, axis=1) - 1, 0, _STEPS - 2)
        within, outside = (steps[np.arange(len(steps)), last_kept + shift] for shift in (0, 1))
    low, high = np.split(within, 2)
    return np.where(first > 0, low, np.nan), np.where(last < _GRID - 1, high, np.nan)


def _region(space: Space, total: float, bounds: Bounds, share: float, first: float, last: float) -> Region:
    """The region between two log sizes, NaN where the search ended first, of a budget with log product `total`."""
    ends = ((first, bounds.low_name), (last, bounds.high_name))
    why = [f"cut off by {name}" for end, name in ends if np.isnan(end)]
    # a limit of the user's is an end of what is allowed; where the search ended says nothing
    low = None if np.isnan(first) and not bounds.low_asked else float(np.nan_to_num(first, nan=bounds.low[0]))
    high = None if np.isnan(last) and not bounds.high_asked else float(np.nan_to_num(last, nan=bounds.high[0]))
    return Region(share, {
        space.size: Interval(None, _exp(low), _exp(high), "; ".join(why)),
        TOKENS: Interval(None, _exp(high, total), _exp(low, total), "; ".join(why)),
    })  # fmt: skip


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
