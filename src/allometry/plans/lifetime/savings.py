"""What a plan saves beside other rules of choosing a size, where each size is trained until it has the loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit
from allometry.notices import Interval
from allometry.plans.ends import ends_json, open_percentiles
from allometry.plans.lifetime.law_error import with_law_error
from allometry.plans.lifetime.narrowing import crossing
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.tokens import LEAST_TOKENS, MOST_TOKENS, Isoloss

Array = NDArray[np.float64]

_ROUNDING = 1e-9
FIT_NOISE_SAYS = ", but of fit noise alone: how far the law misses beyond its runs is not in it"
RULE_RATIO = 20.0
"""Tokens per parameter of the rule of thumb that people took from Hoffmann et al. 2022."""


@dataclass(frozen=True)
class Saving:
    """The plan beside another size, both trained until they have the loss.

    `share` is the part of the other's total cost that the plan saves, `amount` the same in the plan's unit; negative
    where the plan costs more. Their ends are over the draws: the sizes are chosen once, from the estimate, and each
    draw in turn says how many tokens either of them then needs. `calibrated` is the share where draws also miss as laws do
    beyond their runs; None where that is not known. `size`, `tokens` and `total` are the other's by the estimate.
    """

    against: str
    size: float
    tokens: float
    total: float
    share: Interval
    amount: Interval
    drawn: bool
    calibrated: Interval | None = None

    @property
    def decided(self) -> Interval:
        """The share with the interval to decide by."""
        return self.share if self.calibrated is None else self.calibrated

    @property
    def same(self) -> bool:
        """Whether the other size is the plan's, up to rounding."""
        return self.share.value is not None and abs(self.share.value) < _ROUNDING

    @property
    def certain(self) -> bool | None:
        """Whether the whole interval to decide by is a saving; None without draws."""
        return None if not self.drawn else self.decided.low is not None and self.decided.low > 0

    @property
    def says(self) -> str:
        """Whether the saving is certain, in words."""
        if self.same:
            return "the plan is the same"
        if self.certain is None:
            return f"how certain the saving is, is not known: {self.share.why}"
        if self.certain:
            return "the whole interval is a saving" + ("" if self.calibrated is not None else FIT_NOISE_SAYS)
        return "the saving is NOT certain" + (f": {self.decided.why}" if self.decided.why else "")

    def as_json(self) -> dict[str, object]:
        return {
            "against": self.against,
            "size": self.size,
            "tokens": self.tokens,
            "total": self.total,
            "share": ends_json(self.share),
            "amount": ends_json(self.amount),
            "calibrated": None if self.calibrated is None else ends_json(self.calibrated),
            "certain": self.certain,
            "says": self.says,
        }


class Totals(NamedTuple):
    """Total costs (1 + B,) of one size, by the estimate and the draws; `missed` those with the law's own error, or None."""

    plain: Array
    missed: Array | None


def totals_of(fit: Fit, curve: Isoloss, rates: Rates, size: float, held: Mapping[str, float] | None) -> Totals:
    """What a size costs where it is trained until it has the loss of the curve."""

    def cost(of: Isoloss) -> Array:
        return rates.total(size, of.tokens([size])[:, 0])

    tokens = float(curve.of(slice(0, 1)).tokens([size])[0, 0])
    missed = with_law_error(fit, curve, {curve.space.size: size, curve.unknown: tokens, **curve.setting}, held)
    return Totals(cost(curve), None if missed is None else cost(missed))


def compared(fit: Fit, against: str, at: tuple[float, float], planned: Totals, other: Totals, level: float) -> Saving:
    """The saving of `planned` beside the totals of another named size and tokens `at`."""
    wide = None
    if planned.missed is not None and other.missed is not None:
        wide = _share(fit, planned.missed, other.missed, level)
    return Saving(
        against=against,
        size=at[0],
        tokens=at[1],
        total=float(other.plain[0]),
        share=_share(fit, planned.plain, other.plain, level),
        amount=_turned(fit, _difference(planned.plain, other.plain), level, 0.0),
        drawn=len(other.plain) > 1,
        calibrated=wide,
    )


def _share(fit: Fit, planned: Array, other: Array, level: float) -> Interval:
    with np.errstate(invalid="ignore", divide="ignore"):
        return _turned(fit, planned / other, level, 1.0)


def _difference(planned: Array, other: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return planned - other


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
