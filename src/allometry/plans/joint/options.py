"""Each setting of the further axes with the size and tokens of its least total cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allometry.plans.joint.ask import Ask
from allometry.plans.lifetime.rates import Rates
from allometry.plans.lifetime.search import Course, least_total
from allometry.plans.lifetime.tokens import Isoloss

Array = NDArray[np.float64]

# Assumed ends of the search: no model that anyone trained is smaller or larger.
LEAST_SIZE, MOST_SIZE = 1e3, 1e16
_GRID = 261  # a twentieth of a decade apart
ROOM = 100.0  # times the estimate's size, from which each draw's own is sought downwards


@dataclass(frozen=True)
class Option:
    """A setting with its size and tokens by the estimate, and the total cost (1 + B,) by the estimate and each draw.

    The size is chosen once. Each draw says how many tokens it needs to have the quality, or where tokens are given what
    size; a draw by which it never has it costs without end.
    """

    setting: Mapping[str, float]
    rates: Rates
    curve: Isoloss
    size: float
    tokens: float
    totals: Array

    @property
    def total(self) -> float:
        return float(self.totals[0])

    @property
    def trained(self) -> float:
        """Cost of training alone."""
        return float(self.rates.trained(self.size, self.tokens))

    @property
    def name(self) -> str:
        return ", ".join(f"{name}={value:g}" for name, value in self.setting.items()) or "the law's only setting"


def option(ask: Ask, setting: Mapping[str, float], *, training_only: bool = False) -> Option | None:
    """The option of a setting, of least total or of least training; None where it never has the quality."""
    rates, curve = ask.rates(setting), ask.curve(setting)
    sought = replace(rates, serving=None) if training_only else rates
    size = _size(ask, curve.of(slice(0, 1)), sought)
    return None if size is None else at_size(ask, setting, rates, curve, size)


def at_size(ask: Ask, setting: Mapping[str, float], rates: Rates, curve: Isoloss, size: float) -> Option:
    """The option of that size (where tokens are given: of the size that each draw needs)."""
    if ask.tokens is None:
        tokens = curve.tokens([size])[:, 0]
        return Option(setting, rates, curve, size, float(tokens[0]), rates.total(size, tokens))
    sizes = curve.tokens([ask.tokens])[:, 0]
    with np.errstate(invalid="ignore"):
        totals = np.where(np.isfinite(sizes), rates.total(np.where(np.isfinite(sizes), sizes, 1.0), ask.tokens), np.inf)
    return Option(setting, rates, curve, size, ask.tokens, totals)


def _size(ask: Ask, first: Isoloss, rates: Rates) -> float | None:
    """The size of least cost by the one draw of `first`."""
    if ask.tokens is not None:
        found = float(first.tokens([ask.tokens])[0, 0])
        return found if np.isfinite(found) else None
    least, most = ask.limits[ask.size]
    grid = np.geomspace(max(LEAST_SIZE, least), max(min(MOST_SIZE, most), least, LEAST_SIZE), _GRID)
    totals = rates.total(grid, first.tokens(grid)[0])
    if not np.isfinite(totals).any():
        return None
    return float(least_total(first, rates, grid[[int(np.argmin(totals))]]).size[0])


def courses(ask: Ask, chosen: Option) -> Course:
    """What the estimate and each draw would choose for themselves under the setting of `chosen`."""
    if ask.tokens is None:
        return least_total(chosen.curve, chosen.rates, np.full(len(chosen.totals), chosen.size * ROOM))
    sizes = chosen.curve.tokens([ask.tokens])[:, 0]
    return Course(np.where(np.isfinite(sizes), sizes, np.nan), np.full(len(sizes), ask.tokens), chosen.totals)
