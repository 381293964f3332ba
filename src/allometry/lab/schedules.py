"""Schedules of the learning rate: the share of the peak at each step. A new one is a class and its name below."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from allometry.lab.tables import check_share

_WHERE = "[schedule]"


class Schedule(Protocol):
    """What the training loop asks of a schedule."""

    def share(self, step: int, steps: int) -> float:
        """Share of the peak rate at `step` of 1..`steps`."""


def _risen(step: int, steps: int, warmup: float) -> tuple[float, int]:
    """How far a linear warm-up has come by this step, at most 1, and its length in steps."""
    length = max(1, round(warmup * steps))
    return min(1.0, step / length), length


@dataclass(frozen=True)
class Cosine:
    """Linear warm-up, then half a cosine down to `final` of the peak (Loshchilov and Hutter 2017, arXiv 1608.03983).

    `warmup` is a share of the steps.

    >>> [round(Cosine(0.1, 0.1).share(step, 100), 2) for step in (5, 10, 55, 100)]
    [0.5, 1.0, 0.55, 0.1]
    """

    warmup: float = 0.1
    final: float = 0.1

    def __post_init__(self) -> None:
        check_share("warmup", self.warmup, _WHERE)
        check_share("final", self.final, _WHERE)

    def share(self, step: int, steps: int) -> float:
        risen, length = _risen(step, steps, self.warmup)
        if step <= length:
            return risen
        progress = (step - length) / max(1, steps - length)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class WarmupStableDecay:
    """Linear warm-up, the peak, and a linear decay to `final` of it over the last `decay` of the steps.

    Source: Hu et al. 2024, arXiv 2404.06395; the linear decay is that of Haegele et al. 2024, arXiv 2405.18392.

    >>> [round(WarmupStableDecay(0.1, 0.2, 0.0).share(step, 100), 2) for step in (5, 50, 80, 90, 100)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """

    warmup: float = 0.1
    decay: float = 0.2
    final: float = 0.0

    def __post_init__(self) -> None:
        check_share("warmup", self.warmup, _WHERE)
        check_share("final", self.final, _WHERE)
        check_share("decay", self.decay, _WHERE, below=1 - self.warmup)

    def share(self, step: int, steps: int) -> float:
        length = max(1, round(self.decay * steps))
        fallen = max(0, step - (steps - length)) / length if self.decay else 0.0
        return _risen(step, steps, self.warmup)[0] * (1 - (1 - self.final) * fallen)


@dataclass(frozen=True)
class Constant:
    """Linear warm-up, then the peak.

    >>> [Constant(0.1).share(step, 100) for step in (5, 10, 100)]
    [0.5, 1.0, 1.0]
    """

    warmup: float = 0.1

    def __post_init__(self) -> None:
        check_share("warmup", self.warmup, _WHERE)

    def share(self, step: int, steps: int) -> float:
        return _risen(step, steps, self.warmup)[0]


SCHEDULES: Mapping[str, type[Schedule]] = MappingProxyType(
    {"cosine": Cosine, "warmup-stable-decay": WarmupStableDecay, "constant": Constant}
)
