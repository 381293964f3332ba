"""All that a fit was asked to do: enough to repeat it on the same or on a longer table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from allometry.fits._priors import Prior
from allometry.fits.objectives import Huber, Objective

EASY_STARTS, HARD_STARTS = 64, 2048  # measured: 1.00 of 60 seeds at up to 5 parameters; 2048 for 7 and more
HARD_SIZE = 7  # parameters from which valleys are long: measured on broken and coupled laws


def _empty() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """How to fit; the defaults are those of `allometry fit`.

    `objective` on residuals in `space` (None: the law's own); `fixed` pins parameters; `ties` makes
    one parameter equal another (`{"beta": "alpha"}`); `priors` carry knowledge; `starts` None picks
    64 or, from 7 parameters, 2048; `bootstrap` resamples (0: none); `cluster` a column, "none" for
    plain rows, or None to resample runs and repeats whole where there are any; `level` of intervals.
    """

    objective: Objective = field(default_factory=Huber)
    space: str | None = None
    fixed: Mapping[str, float] = field(default_factory=_empty)
    ties: Mapping[str, str] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)
    weights: str | None = None
    starts: int | None = None
    bootstrap: int = 1000
    cluster: str | None = None
    seed: int = 0
    level: float = 0.9

    def start_count(self, parameters: int) -> int:
        return self.starts or (HARD_STARTS if parameters >= HARD_SIZE else EASY_STARTS)
