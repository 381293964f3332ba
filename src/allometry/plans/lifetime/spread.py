"""What the spread of the efficiency factors leaves open of a plan in money."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.notices import Interval, Step
from allometry.plans.chain import shown
from allometry.plans.ends import ends_json
from allometry.plans.lifetime.money import ENDS, Deployment
from allometry.plans.lifetime.search import least_total
from allometry.plans.lifetime.tokens import Isoloss


@dataclass(frozen=True)
class Spread:
    """The plan's total with all factors at their best and at their worst, and the sizes of least total between.

    The ends of `size` are the plans where serving is as dear and training as cheap as the factors allow, and the other
    way round; both by the estimate of the law.
    """

    total: Interval
    size: Interval
    currency: str

    def as_json(self) -> dict[str, object]:
        return {"currency": self.currency, "total": ends_json(self.total), "size": ends_json(self.size)}

    @property
    def step(self) -> Step:
        text = (
            f"total {shown(self.total)} {self.currency} and size of least total {shown(self.size)}: ends are those of the "
            "efficiency factors, with the law's estimate"
        )
        return Step("spread of the factors", text, "assumed")


def spread_of(curve: Isoloss, money: Deployment, inference_tokens: float, trained: float, size: float) -> Spread:
    """The spread for the one draw of `curve`, a planned `size`, and the size `trained` of least training FLOPs."""
    tokens = curve.tokens([size])[0, 0]
    middle, cheap, dear = (float(money.rates(inference_tokens, end, end).total(size, tokens)) for end in ENDS)
    sizes = []
    for pair in (("low", "high"), ("high", "low")):
        course = least_total(curve, money.rates(inference_tokens, *pair), curve.loss * 0 + trained)
        sizes.append(float(course.size[0]))
    return Spread(Interval(middle, cheap, dear), Interval(size, min(sizes), max(sizes)), money.training_price.currency)
