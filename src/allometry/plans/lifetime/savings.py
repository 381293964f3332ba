"""What a plan saves beside other rules of choosing a size, where each size is trained until it has the loss."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.notices import Interval
from allometry.plans.ends import ends_json, open_percentiles
from allometry.plans.lifetime.narrowing import crossing
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.tokens import LEAST_TOKENS, MOST_TOKENS, Isoloss

Array = NDArray[np.float64]

_ROUNDING = 1e-9
RULE_RATIO = 20.0
"""Tokens per parameter of the rule of thumb that people took from Hoffmann et al. 2022."""


@dataclass(frozen=True)
class Saving:
    """The plan beside another size, both trained until they have the loss.

    `share` is the part of the other's total cost that the plan saves, `amount` the same in the plan's unit; negative
    where the plan costs more. Their ends are over the draws: the sizes are chosen once, from the estimate, and each
    draw in turn says how many tokens either of them then needs. `size`, `tokens` and `total` are the other's by the
    estimate.
    """

    against: str
    size: float
    tokens: float
    total: float
    share: Interval
    amount: Interval
    drawn: bool

    @property
    def same(self) -> bool:
        """Whether the other size is the plan's, up to rounding."""
        return self.share.value is not None and abs(self.share.value) < _ROUNDING

    @property
    def certain(self) -> bool | None:
        """Whether the whole interval is a saving; None without draws."""
        return None if not self.drawn else self.share.low is not None and self.share.low > 0

    @property
    def says(self) -> str:
        """Whether the saving is certain, in words."""
        if self.same:
            return "the plan is the same"
        if self.certain is None:
            return f"how certain the saving is, is not known: {self.share.why}"
        if self.certain:
            return "the whole interval is a saving"
        return "the saving is NOT certain" + (f": {self.share.why}" if self.share.why else "")

    def as_json(self) -> dict[str, object]:
        return {
            "against": self.against,
            "size": self.size,
            "tokens": self.tokens,
            "total": self.total,
            "share": ends_json(self.share),
            "amount": ends_json(self.amount),
            "certain": self.certain,
            "says": self.says,
        }


def saving(fit: Fit, curve: Isoloss, rates: Rates, planned: Array, other: tuple[str, float], level: float) -> Saving:
    """The saving of a plan with totals `planned` (1 + B,), of the estimate and the draws, against a named size."""
    name, size = other
    tokens = curve.tokens([size])[:, 0]
    return compared(fit, name, (size, float(tokens[0])), planned, rates.total(size, tokens), level)


def compared(fit: Fit, against: str, at: tuple[float, float], planned: Array, totals: Array, level: float) -> Saving:
    """The saving of totals `planned` (1 + B,) beside other `totals`, those of a named size and tokens `at`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, more = planned / totals, planned - totals
    return Saving(
        against=against,
        size=at[0],
        tokens=at[1],
        total=float(totals[0]),
        share=_turned(fit, ratio, level, 1.0),
        amount=_turned(fit, more, level, 0.0),
        drawn=len(totals) > 1,
    )


def _turned(fit: Fit, values: Array, level: float, start: float) -> Interval:
    """`start` less values (1 + B,), where an infinite one is a cost without end; both infinite tells nothing."""
    value = start - float(values[0])
    if len(values) == 1:
        return Interval(value, None, None, fit.interval_kind)
    found = open_percentiles(values[1:], level)
    low, high = (None if end is None else start - end for end in (found.high, found.low))
    lost = float(np.mean(~np.isfinite(values[1:])))
    why = f"{lost:.0%} of the draws never have this loss at the sizes compared" if low is None and lost else found.why
    return replace(found, value=value, low=low, high=high, why=why)


def ruled_size(curve: Isoloss, ratio: float = RULE_RATIO) -> float | None:
    """The size that has the loss at `ratio` tokens per parameter, by the one draw of `curve`; None where none has.

    Limits of the user's do not bind it: a rule of thumb knows none.
    """
    free, low, high = curve.unlimited(), np.log(LEAST_TOKENS / ratio), np.log(MOST_TOKENS / ratio)

    def short(log_size: Array) -> NDArray[np.bool_]:
        size = np.exp(log_size)
        return np.asarray(free.tokens(size)[0] > ratio * size)

    if short(np.array([high]))[0] or not short(np.array([low]))[0]:
        return None
    return float(np.exp(crossing(short, low, high)))
