"""Efficiency factors: the share of a peak figure that real work attains, each with its spread and where it is from.

A roofline divides work by peak figures; the factors are everything that it leaves out. A hardware file that was
calibrated holds its own (`[factors.NAME]`), which take the place of these. Until then a time carries the whole
spread, never a point alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from allometry.costs._checks import check_choice, check_positive
from allometry.notices import Refused

PROVENANCES = ("measured", "published", "assumed")


@dataclass(frozen=True)
class Factor:
    """A share of a peak figure, from 0 to 1, with the ends of its spread.

    `provenance` is "measured", "published" or "assumed"; `source` says where and on what.

    >>> Factor("compute", 0.5, 0.4, 0.6, "measured", "16 cells on one h200").as_json()["low"]
    0.4
    """

    name: str
    value: float
    low: float
    high: float
    provenance: str
    source: str

    def __post_init__(self) -> None:
        where = f"factor {self.name}"
        check_choice("provenance", self.provenance, PROVENANCES, where)
        for end in ("value", "low", "high"):
            check_positive(end, getattr(self, end), where)
        if not self.low <= self.value <= self.high:
            message = f"the value {self.value:g} is not between low {self.low:g} and high {self.high:g}"
            raise Refused("bad-factor", message, where, "give low <= value <= high")

    def as_json(self) -> dict[str, object]:
        return {"value": self.value, "low": self.low, "high": self.high, "provenance": self.provenance,
                "source": self.source}  # fmt: skip


_DEFAULTS = (
    Factor(
        "compute", 0.5, 0.35, 0.65, "assumed",
        "share of dense peak FLOP/s within a layer of training or prefill, communication apart; to be checked",
    ),
    Factor("memory", 0.7, 0.5, 0.9, "assumed", "share of peak device bandwidth when weights and cache are streamed; to be checked"),
    Factor("link", 0.7, 0.5, 0.9, "assumed", "share of the link's one-way bandwidth in collectives of large messages; to be checked"),
    Factor("network", 0.7, 0.4, 0.9, "assumed", "share of the network's bandwidth in collectives of large messages; to be checked"),
    Factor("host", 0.8, 0.6, 0.95, "assumed", "share of the host link's one-way bandwidth in pinned copies; to be checked"),
    Factor("disk", 0.8, 0.6, 0.95, "assumed", "share of the disks' sequential bandwidth; to be checked"),
    Factor(
        "step", 2e-3, 5e-4, 6e-3, "assumed",
        "seconds of scheduling and launching in each iteration of a serving engine; benchmarks/serving.py",
    ),
    Factor(
        "collective", 14e-6, 8e-6, 25e-6, "published",
        "seconds of a small all-reduce among 2 to 8 devices of a node, H100: profile of APEX (arXiv 2411.17651)",
    ),
)  # fmt: skip
DEFAULT_FACTORS: Mapping[str, Factor] = MappingProxyType({factor.name: factor for factor in _DEFAULTS})
"""By name, what is used where a hardware file holds no factor of its own."""
