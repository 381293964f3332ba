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
    Factor(
        "decode", 0.3, 0.1, 0.6, "assumed",
        "share of dense peak FLOP/s in the small matrix products of decoding; binds at large batches only",
    ),
    Factor(
        "attention", 0.45, 0.2, 0.73, "published",
        "share of dense peak FLOP/s in attention over a prompt: 0.35 (FlashAttention-2) and 0.75 (-3) on H100, "
        "arXiv 2407.08608; 0.50 to 0.73 on A100, arXiv 2307.08691; less where scores are written out",
    ),
    Factor("cache", 0.6, 0.35, 0.85, "assumed", "share of peak device bandwidth when keys and values are read in decoding"),
    Factor("activations", 0.5, 0.3, 1.0, "assumed",
           "share of peak device bandwidth when activations pass between operators, each written and read once; above "
           "the share of weights where operators are fused"),
    Factor("key", 4e-9, 1e-9, 5e-8, "assumed",
           "seconds for each cached token and layer that a decoding step cannot go below: little where a sequence is "
           "split over processors (Flash-Decoding), tens of nanoseconds where one processor reads a whole head"),
    Factor("layer", 4e-5, 1e-5, 2e-4, "published",
           "seconds for each layer of a pass beside its work: 50 us is what the 9.5 ms a token of Llama-2-7B leave "
           "beside its weights on a 330 W A100 with CUDA graphs, gpt-fast, README; more without graphs"),
    Factor("collective", 2e-5, 8e-6, 4e-5, "published",
           "seconds of one all-reduce of a decoding step beside its bytes: 19 to 29 us on 2 to 8 A100, from the times "
           "of tensor parallelism in gpt-fast, README"),
    Factor("time", 1.0, 0.8, 1.25, "assumed", "time that was taken over time by the roofline with its other factors"),
    Factor("link", 0.7, 0.5, 0.9, "assumed", "share of the link's one-way bandwidth in collectives of large messages; to be checked"),
    Factor("network", 0.7, 0.4, 0.9, "assumed", "share of the network's bandwidth in collectives of large messages; to be checked"),
    Factor("host", 0.8, 0.6, 0.95, "assumed", "share of the host link's one-way bandwidth in pinned copies; to be checked"),
    Factor("disk", 0.8, 0.6, 0.95, "assumed", "share of the disks' sequential bandwidth; to be checked"),
)  # fmt: skip
DEFAULT_FACTORS: Mapping[str, Factor] = MappingProxyType({factor.name: factor for factor in _DEFAULTS})
"""By name, what is used where a hardware file holds no factor of its own."""
