"""The best split of a budget between size and tokens, for all draws at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN
from allometry.forecasts import metric_at
from allometry.laws import Law
from allometry.plans.bounds import Bounds, bounds_of
from allometry.plans.separable import Core, core_of, turning_point
from allometry.plans.terms import TOKENS, Space

Array = NDArray[np.float64]

GRID = 65  # 0.07 decades of size apart unless limits are wider: finer than any valley of a law we know
GOLDEN = (np.sqrt(5.0) - 1) / 2
GOLDEN_STEPS = 40  # two grid steps to 1e-9; the loss is flat to rounding before that
_AT_END = 1e-6
_CHECK = 1e-3


class Allocation(NamedTuple):
    """The best split for each draw (B,): size, tokens, loss, whether it lies at an end of the search in size,
    and which setting of the further axes it takes."""

    size: Array
    tokens: Array
    loss: Array
    at_low: NDArray[np.bool_]
    at_high: NDArray[np.bool_]
    setting: NDArray[np.int64]


class Surface(NamedTuple):
    """Loss of each draw (B, P) as a function of log size, at one value of every further axis."""

    law: Law
    draws: Array
    size: str
    setting: Mapping[str, float]

    def loss(self, log_size: Array, log_product: Array) -> Array:
        """Loss (B, k) at log sizes (B, k) or (k,) of budgets (B,); NaN counts as infinitely bad."""
        x, product = np.atleast_2d(log_size), log_product[:, None]
        points: dict[str, ArrayLike] = {self.size: np.exp(x), TOKENS: np.exp(product - x), **self.setting}
        return np.nan_to_num(metric_at(self.law, self.draws, points), nan=np.inf)

    def core(self) -> Core | None:
        """The closed form of its optimum, where the law has one."""
        values = {name: self.draws[:, i] for i, name in enumerate(self.law.parameter_names)}
        values |= {name: np.full(len(self.draws), value) for name, value in self.setting.items()}
        return core_of(self.law.formula.root, values, self.size, len(self.draws))


def best_split(law: Law, draws: Array, flops: Array | float, space: Space) -> Allocation:
    """The split of `flops` (B,) of least loss for each draw (B, P), over all settings of the further axes.

    In closed form where the law has one, otherwise on a grid of log size refined by golden section.
    Limits that leave nothing give an infinite loss where one size or token count is given, and are
    refused otherwise.
    """
    product = np.log(np.broadcast_to(np.asarray(flops, float), (len(draws),)) / FLOPS_PER_PARAMETER_AND_TOKEN)
    found = [_best_at(Surface(law, draws, space.size, setting), product, space) for setting in space.settings]
    which = np.argmin(np.stack([one.loss for one in found]), axis=0)
    rows = np.arange(len(draws))
    fields = [np.stack(values)[which, rows] for values in zip(*found, strict=True)]
    return Allocation(*fields)._replace(setting=which)


def _best_at(surface: Surface, product: Array, space: Space) -> Allocation:
    if space.options is not None:
        return _best_option(surface, product, space)
    bounds = bounds_of(space, product)
    x = _closed(surface, product, bounds)
    rest = ~np.isfinite(x)
    if rest.any():
        some = surface._replace(draws=surface.draws[rest])
        x[rest] = _searched(some, product[rest], bounds.low[rest], bounds.high[rest])
    loss = surface.loss(x[:, None], product)[:, 0]
    at_low, at_high = x <= bounds.low + _AT_END, x >= bounds.high - _AT_END
    return Allocation(*placed(space, x, product), loss, at_low, at_high, np.zeros(len(x), np.int64))


def placed(space: Space, log_size: Array, log_product: Array) -> tuple[Array, Array]:
    """Size and tokens at log sizes of a budget; a limit is met to the last digit, not up to the rounding of a logarithm."""
    size, tokens = np.exp(log_size), np.exp(log_product - log_size)
    return np.clip(size, *space.limits[space.size]), np.clip(tokens, *space.limits[TOKENS])


def _best_option(surface: Surface, product: Array, space: Space) -> Allocation:
    """The best of the listed sizes, or of the listed token counts."""
    name, values = space.options or ("", np.empty(0))
    other = TOKENS if name == space.size else space.size
    partner = np.exp(product[:, None] - np.log(values))
    listed = np.broadcast_to(values, partner.shape)
    loss = surface.loss(np.log(listed if name == space.size else partner), product)
    loss = np.where(within(listed, space.limits[name]) & within(partner, space.limits[other]), loss, np.inf)
    best, rows = np.argmin(loss, axis=1), np.arange(len(product))
    taken = {name: listed[rows, best], other: partner[rows, best]}
    never = np.zeros(len(product), bool)
    first = np.zeros(len(product), np.int64)
    return Allocation(taken[space.size], taken[TOKENS], loss[rows, best], never, never, first)


def within(values: Array, limits: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether values keep limits, up to the rounding of a logarithm."""
    return np.asarray((values >= limits[0] * (1 - 1e-12)) & (values <= limits[1] * (1 + 1e-12)))


def _closed(surface: Surface, product: Array, bounds: Bounds) -> Array:
    """Log size by the closed form, NaN for draws that have none; checked against its neighbours."""
    core = surface.core()
    if core is None:
        return np.full(len(product), np.nan)
    turn = turning_point(core, product)
    x = np.clip(turn, bounds.low, bounds.high)
    here = surface.loss(x[:, None] + np.array([-_CHECK, 0.0, _CHECK]), product)
    least = here[:, 1] <= here[:, [0, 2]].min(axis=1) * (1 + 1e-12)
    return np.where(np.isfinite(turn) & (least | (x != turn)), x, np.nan)


def _searched(surface: Surface, product: Array, least: Array, most: Array) -> Array:
    """Log size (B,) on a grid between two ends (B,), then by golden section around its best point."""
    share = np.linspace(0.0, 1.0, GRID)
    grid = least[:, None] + share * (most - least)[:, None]
    loss = surface.loss(grid, product)
    best, rows = np.argmin(loss, axis=1), np.arange(len(product))
    low, high = grid[rows, np.maximum(best - 1, 0)], grid[rows, np.minimum(best + 1, GRID - 1)]
    x = _golden(surface, product, low, high)
    ends = np.stack([x, least, most], axis=1)
    return np.asarray(ends[rows, np.argmin(surface.loss(ends, product), axis=1)])


def _golden(surface: Surface, product: Array, low: Array, high: Array) -> Array:
    """Golden-section search of every draw's own bracket at once."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    both = surface.loss(np.stack([left, right], axis=1), product)
    f_left, f_right = both[:, 0], both[:, 1]
    for _ in range(GOLDEN_STEPS):
        smaller = f_left < f_right
        low, high = np.where(smaller, low, left), np.where(smaller, right, high)
        kept, f_kept = np.where(smaller, left, right), np.where(smaller, f_left, f_right)
        new = np.where(smaller, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        f_new = surface.loss(new[:, None], product)[:, 0]
        left, right = np.where(smaller, new, kept), np.where(smaller, kept, new)
        f_left, f_right = np.where(smaller, f_new, f_kept), np.where(smaller, f_kept, f_new)
    return (low + high) / 2
