"""What the best mixture is told as: shares, losses, regions and profiles, one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from allometry.data.mixtures.simplex import Array
from allometry.data.told import finite, told_json
from allometry.notices import Interval, Notice, Step
from allometry.plans.ends import ends_json


class Region(NamedTuple):
    """How far each share may go, the others following, while the loss stays `within` of the least (a share of it)."""

    within: float
    shares: Mapping[str, Interval]


class Profile(NamedTuple):
    """The least loss (j,) at shares (j,) of one domain with its band, and the whole mixtures (j, k)."""

    domain: str
    share: Array
    loss: Array
    low: Array
    high: Array
    mixtures: Array


@dataclass(frozen=True)
class Mixture:
    """The best mixture: `shares` of the training domains, the weighted `loss` there and `losses` by validation domain.

    `gain` is what the weighted loss falls by from `base`; `near` what is nearly as good, `profiles` the curves behind
    it. `draws` (B, k) are the best mixtures of the joint draws, `mixtures` (n, k) those that were trained, `held_out` (n,)
    the relative errors of predictions by fits that had not seen them.
    """

    domains: tuple[str, ...]
    shares: Mapping[str, Interval]
    loss: Interval
    losses: Mapping[str, Interval]
    weights: Mapping[str, float]
    base: Mapping[str, float]
    base_is: str
    gain: Interval
    near: tuple[Region, ...]
    profiles: tuple[Profile, ...]
    tried: Mapping[str, tuple[float, float]]
    draws: Array
    mixtures: Array
    held_out: Array
    rows: int
    kept: int
    level: float
    interval: str
    law: str
    equation: str
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]

    @property
    def mixture_count(self) -> int:
        """How many different mixtures were trained: repeats of one count once."""
        return len(np.unique(self.mixtures, axis=0))

    def as_json(self) -> dict[str, Any]:
        return {
            "mixture": {name: ends_json(found) for name, found in self.shares.items()},
            "loss": ends_json(self.loss),
            "losses": {name: {**ends_json(found), "weight": self.weights[name]} for name, found in self.losses.items()},
            "base": {"is": self.base_is, "mixture": dict(self.base)}, "gain": ends_json(self.gain),
            "near_optimal": [{"within": one.within, "mixture": {n: _limits(s) for n, s in one.shares.items()}} for one in self.near],
            "tried": {name: {"low": low, "high": high} for name, (low, high) in self.tried.items()},
            "curve": list(self.curve()), "held_out": [finite(error) for error in self.held_out],
            "law": self.law, "formula": self.equation, **told_json(self),
        }  # fmt: skip

    def curve(self) -> Iterator[dict[str, Any]]:
        """The profiles row by row."""
        for one in self.profiles:
            for share, loss, low, high, whole in zip(one.share, one.loss, one.low, one.high, one.mixtures, strict=True):
                mixture = dict(zip(self.domains, whole.tolist(), strict=True))
                yield {
                    "domain": one.domain,
                    "share": float(share),
                    "loss": finite(loss),
                    "low": finite(low),
                    "high": finite(high),
                    "mixture": mixture,
                }


def _limits(found: Interval) -> dict[str, Any]:
    return {"low": found.low, "high": found.high, "why": found.why}
