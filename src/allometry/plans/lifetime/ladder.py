"""How far to over-train: what each ratio of tokens to parameters costs beside the least training for the same loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from allometry.costs import rule_flops
from allometry.fits import Fit
from allometry.notices import Interval
from allometry.plans.allocation import best_split
from allometry.plans.decision import Decision
from allometry.plans.ends import ends_json, open_percentiles
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.savings import ruled_size
from allometry.plans.lifetime.tokens import Isoloss

RATIOS = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)


@dataclass(frozen=True)
class Rung:
    """A size that has the loss at `ratio` tokens per parameter, by the estimate.

    `overhead` is what training it takes more than least training, as a share of that, over the draws; `penalty` how much
    lower the loss would be, by the estimate, if its training FLOPs were split for least loss; `total` its cost of a life.
    """

    ratio: float
    size: float
    tokens: float
    flops: float
    overhead: Interval
    penalty: float
    total: float

    def as_json(self) -> dict[str, object]:
        numbers = {name: value for name, value in vars(self).items() if name != "overhead"}
        return {**numbers, "overhead": ends_json(self.overhead)}


def ladder(fit: Fit, curve: Isoloss, rates: Rates, trained: Decision, level: float) -> tuple[Rung, ...]:
    """A rung for each ratio at which some size has the loss; limits of the user's do not bind them."""
    return tuple(_rungs(fit, curve.unlimited(), rates, trained, level))


def _rungs(fit: Fit, curve: Isoloss, rates: Rates, trained: Decision, level: float) -> Iterable[Rung]:
    first = curve.of(slice(0, 1))
    for ratio in RATIOS:
        size = ruled_size(first, ratio)
        if size is None:
            continue
        tokens = curve.tokens([size])[:, 0]
        flops = rule_flops(size, tokens)
        over = flops / trained.flops - 1
        best = float(best_split(fit.law, first.draws, flops[:1], curve.space).loss[0])
        held = Interval(None, why=fit.interval_kind)
        if len(over) > 1:
            held = open_percentiles(np.where(np.isfinite(over[1:]), over[1:], np.inf), level)
        yield Rung(
            ratio=ratio,
            size=size,
            tokens=float(tokens[0]),
            flops=float(flops[0]),
            overhead=Interval(float(over[0]), held.low, held.high, held.why),
            penalty=max(0.0, float(first.loss[0]) - best),
            total=float(rates.total(size, tokens[0])),
        )
