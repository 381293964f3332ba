"""The price of being wrong: what a size costs in total where a draw of the fit is the truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from allometry.notices import Interval
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.search import Course
from allometry.plans.lifetime.tokens import Isoloss
from allometry.plans.recommended import SAME_SIZE
from allometry.plans.stakes import ROUNDING, Price
from allometry.plans.terms import TOKENS

Array = NDArray[np.float64]

ACROSS = 9
_GRID = 33


@dataclass(frozen=True)
class PricedSize:
    """A size, its tokens by the estimate, and the share of its total cost that is wasted over the draws.

    The share is 1 - T'/T: T is the total with this size, trained until it has the loss by the draw, and T' the draw's
    own least; 1 where the size never has the loss.
    """

    at: Mapping[str, float]
    wasted: Price

    def as_json(self) -> dict[str, object]:
        return {**self.at, "expected": None, "p95": None, "compute": self.wasted.as_json()}


@dataclass(frozen=True)
class Judged:
    """The price of the plan, of sizes across its interval, and the size of least expected price."""

    plain: PricedSize
    across: tuple[PricedSize, ...]
    best: PricedSize
    size: str

    @property
    def differs(self) -> bool:
        """Whether the size of least expected price is another by over 1%."""
        return abs(math.log(self.best.at[self.size] / self.plain.at[self.size])) > math.log1p(SAME_SIZE)

    def wrong_json(self, why: str) -> dict[str, object]:
        """The price of the plan and of sizes across its interval; losses are empty because of `why`."""
        price = {**self.plain.wasted.as_json(), "unit": "share of the total cost wasted"}
        return {
            "expected": None,
            "p95": None,
            "compute": price,
            "across": [one.as_json() for one in self.across],
            "why": why,
        }

    def recommended_json(self, why: str) -> dict[str, object]:
        """The size of least expected price."""
        return {**self.best.as_json(), "differs": self.differs, "why": why}


def judge(curve: Isoloss, rates: Rates, course: Course, size: Interval) -> Judged | None:
    """Prices of the plan, and of sizes from the low to the high end of its interval; None without draws.

    Draws that have the loss at no size tell nothing of a choice between sizes, and are left out. Sizes that never have it
    by the estimate are not recommended.
    """
    usable = np.isfinite(course.total[1:])
    if not usable.any():
        return None
    first, drawn = curve.of(slice(0, 1)), curve.of(np.concatenate([[False], usable]))
    least = course.total[1:][usable, None]

    def wasted(sizes: Array) -> Array:
        share = 1 - least / rates.total(sizes, drawn.tokens(sizes))
        return np.where(share > ROUNDING, share, 0.0)

    def priced(sizes: Array) -> list[PricedSize]:
        share, tokens = wasted(sizes), first.tokens(sizes)[0]
        means, tails = share.mean(axis=0).tolist(), np.quantile(share, 0.95, axis=0).tolist()
        at = [{curve.space.size: float(n), TOKENS: float(d)} for n, d in zip(sizes, tokens, strict=True)]
        return [PricedSize(place, Price(*pair)) for place, pair in zip(at, zip(means, tails, strict=True), strict=True)]

    plain = float(course.size[0])
    low, high = (plain if end is None else end for end in (size.low, size.high))
    across = np.geomspace(min(low, plain), max(high, plain), ACROSS) if low < high else np.array([plain])
    best = _least(
        lambda sizes: np.where(np.isfinite(first.tokens(sizes)[0]), wasted(sizes).mean(axis=0), np.inf),
        course.size[1:][usable],
        plain,
    )
    found = priced(np.array([plain, best, *across]))
    return Judged(found[0], tuple(found[2:]), found[1], curve.space.size)


def _least(expected: Callable[[Array], Array], sizes: Array, plain: float) -> float:
    """The size of least expected price among those that some draw would choose; the plain where none is better."""
    grid = np.geomspace(min(sizes.min(), plain), max(sizes.max(), plain), _GRID)
    at = int(np.argmin(expected(grid)))
    low, high = np.log(grid[max(at - 1, 0)]), np.log(grid[min(at + 1, _GRID - 1)])
    found = float(grid[at])
    if high - low > ROUNDING:
        refined = minimize_scalar(lambda x: float(expected(np.exp([x]))[0]), bounds=(low, high), method="bounded")
        found = float(np.exp(refined.x))
    values = expected(np.array([plain, found]))
    return found if values[1] < values[0] - ROUNDING else plain
