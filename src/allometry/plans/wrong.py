"""The price of being wrong: what the plan, its neighbours and the recommended point cost where a draw is the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.notices import Interval
from allometry.plans.decision import Decision
from allometry.plans.recommended import Recommended, differs, listed_points, recommended_point, sized_points
from allometry.plans.region import Region
from allometry.plans.stakes import Priced, Stakes, stakes_of

Array = NDArray[np.float64]

ACROSS = 9
SETTLED = "nothing is left to choose: what was given and the budget fix the split"


@dataclass(frozen=True)
class Wrong:
    """What it costs to be wrong: the price of the plain plan, and of allocations `across` its interval.

    `expected` and `p95` are the mean and the 95th percentile over the draws of the excess loss of
    building the point plan where a draw is the truth, as a share of that draw's own best loss.
    """

    plain: Priced
    across: tuple[Priced, ...]

    @property
    def settled(self) -> bool:
        """Whether the limits and the budget leave one allocation: then there is nothing to be wrong about."""
        return len(self.across) == 1

    @property
    def expected(self) -> float:
        return self.plain.loss.expected

    @property
    def p95(self) -> float:
        return self.plain.loss.p95

    def as_json(self) -> dict[str, object]:
        return {
            **self.plain.loss.as_json(),
            "unit": "share of the draw's own best loss",
            "compute": {**self.plain.compute.as_json(), "unit": "share of the budget wasted"},
            "across": [priced.as_json() for priced in self.across],
        }


class Judged(NamedTuple):
    """The plan under every draw as the truth: its price, and the point that has the least."""

    wrong: Wrong
    recommended: Recommended


def judge(fit: Fit, decision: Decision, size: Interval, regions: Sequence[Region]) -> Judged | None:
    """The price of being wrong and the recommended point; None without draws, or without a point plan.

    `size` is the interval of size at the plan's budget, empty where there is none, and `regions` the
    near-optimal ones, tightest first: prices are taken across the interval, and to the end of the
    widest region where an end of it is empty.
    """
    stakes = stakes_of(fit, decision)
    if stakes is None:
        return None
    plain, best = decision.point, recommended_point(stakes, decision)
    points = [plain, best, *_across(stakes, decision, size, regions)]
    priced = stakes.priced({name: np.array([point[name] for point in points]) for name in plain})
    return Judged(Wrong(priced[0], priced[2:]), Recommended(priced[1], differs(best, decision)))


def _across(stakes: Stakes, decision: Decision, size: Interval, regions: Sequence[Region]) -> list[dict[str, float]]:
    """Allocations from the low to the high end, evenly spaced in log size; or the listed ones."""
    space, setting = stakes.space, decision.setting
    if decision.bounds is None:
        listed = [p for p in listed_points(stakes.flops, space) if all(p[name] == v for name, v in setting.items())]
        return sorted(listed, key=lambda point: point[space.size])
    region = regions[-1].axes[space.size] if regions else Interval(None)
    plain = decision.point[space.size]
    low = min(_known(size.low, region.low, plain), plain)
    high = max(_known(size.high, region.high, plain), plain)
    log_size = np.clip(np.log([low, high]), decision.bounds.low[0], decision.bounds.high[0])
    points = sized_points(stakes.flops, space, np.linspace(log_size[0], log_size[1], ACROSS), setting)
    return [{name: float(values[i]) for name, values in points.items()} for i in range(ACROSS)]


def _known(*ends: float | None) -> float:
    """The first end that is known."""
    return next(end for end in ends if end is not None)
