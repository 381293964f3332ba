"""Efficiency factors: the share of a peak figure that real work attains, each with its spread and where it is from.

A roofline divides work by peak figures; the factors are everything that it leaves out. A hardware file that was
calibrated holds its own (`[factors.NAME]`), which take the place of these. Until then a time carries the whole
spread, never a point alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from allometry.costs._checks import check_choice, check_positive
from allometry.notices import Mark, Notice, Refused

PROVENANCES = ("measured", "published", "assumed")
TINY = 1e-12


@dataclass(frozen=True)
class Factor:
    """A share of a peak figure, or a time of its own, with the ends of its spread.

    `provenance` is "measured", "published" or "assumed"; `source` says where and on what. `within` are the ranges that
    it was measured within, by what they are of ("sequences", "context", "parameters"); empty where nobody says.

    >>> Factor("compute", 0.5, 0.4, 0.6, "measured", "16 cells on one h200").as_json()["low"]
    0.4
    """

    name: str
    value: float
    low: float
    high: float
    provenance: Mark
    source: str
    within: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        where = f"factor {self.name}"
        check_choice("provenance", self.provenance, PROVENANCES, where)
        for end in ("value", "low", "high"):
            check_positive(end, getattr(self, end), where, zero=True)
        if not self.low <= self.value <= self.high:
            message = f"the value {self.value:g} is not between low {self.low:g} and high {self.high:g}"
            raise Refused("bad-factor", message, where, "give low <= value <= high")
        for name, ends in self.within.items():
            check_range(name, ends, where)

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of the spread to divide by: a share of a peak cannot be none of it."""
        return max(self.low, TINY), self.high

    def as_json(self) -> dict[str, object]:
        told: dict[str, object] = {"value": self.value, "low": self.low, "high": self.high,
                                   "provenance": self.provenance, "source": self.source}  # fmt: skip
        return {**told, "within": {name: list(ends) for name, ends in self.within.items()}} if self.within else told

    def notices(self, values: Mapping[str, float]) -> tuple[Notice, ...]:
        """A warning where any of these values lies outside the range that the factor was measured within."""
        outside = [f"{name} {values[name]:.4g} (measured: {low:.4g} to {high:.4g})" for name, (low, high) in self.within.items()
                   if name in values and not low <= values[name] <= high]  # fmt: skip
        if not outside:
            return ()
        message = (
            f"{', '.join(outside)}: times lie outside what was calibrated, and their intervals need not hold there"
        )
        return (Notice("beyond-calibration", message),)


def check_range(name: str, ends: object, where: str) -> None:
    """Refuse what is no low and high end."""
    numbers = isinstance(ends, tuple | list) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends)
    if not numbers or not ends[0] <= ends[1]:  # type: ignore[index]
        raise Refused("bad-factor", f"the range of {name} is {ends!r}", where, f"write within = {{ {name} = [1, 64] }}")


_FITTED = "fitted to 223 published step times on A100 and H100: benchmarks/training_times.py"
_WIRE = "of the one-way bandwidth, in large collectives"
_DEFAULTS = (
    Factor("compute", 0.80, 0.68, 0.95, "published", f"matrix products of a layer, share of the dense peak; {_FITTED}"),
    Factor("attention", 0.35, 0.18, 0.85, "published", f"flash attention of three generations of kernels; {_FITTED}"),
    Factor("memory", 0.75, 0.55, 0.90, "published", f"device bandwidth for activations, weights and caches; {_FITTED}"),
    Factor("link", 0.80, 0.60, 0.95, "assumed", f"share {_WIRE}"),
    Factor("network", 0.80, 0.50, 0.95, "assumed", f"share {_WIRE}"),
    Factor("host", 0.80, 0.60, 0.95, "assumed", "share of the one-way bandwidth, in copies of pinned memory"),
    Factor("disk", 0.80, 0.60, 0.95, "assumed", "share of the bandwidth in long sequential transfers"),
    Factor("hosted", 0.35, 0.25, 0.80, "published", "dense peak attained when layers stream from the host, from 259 TFLOP/s of 6 x params x tokens on one H100 (Horizon-LM, README)"),
    Factor("overlap", 0.30, 0.00, 0.90, "assumed", "share of the traffic of weights, gradients and rings that hides behind computing"),
    Factor("decode", 0.25, 0.05, 0.60, "assumed",
           "matrix products of decoding, share of the dense peak: tiles of 64 to 128 rows of which a batch fills some; "
           "binds at large batches alone"),
    Factor("cache", 0.60, 0.35, 0.85, "assumed", "share of the device's bandwidth when keys and values are read in decoding"),
    Factor("activations", 0.50, 0.30, 1.00, "assumed",
           "share of the device's bandwidth when activations pass between operators of a prompt's pass or of decoding; "
           "higher where operators are fused, for each is counted as reading and writing them once"),
    Factor("key", 4e-9, 1e-9, 5e-8, "assumed",
           "seconds for each cached token and layer that a decoding step cannot go below: little where a sequence is "
           "split over processors (Flash-Decoding), tens of nanoseconds where one processor reads a whole head"),
    Factor("layer", 4e-5, 1e-5, 2e-4, "published",
           "seconds for each layer of a pass beside its work: 50 us is what the 9.5 ms a token of Llama-2-7B leave beside "
           "its weights on a 330 W A100 with CUDA graphs (gpt-fast, README); plain PyTorch without graphs took "
           "0.9 ms (39 ms a token there), beyond this spread"),
    Factor("collective", 2e-5, 8e-6, 4e-5, "published",
           "seconds of one all-reduce of a decoding step beside its bytes: 19 to 29 us on 2 to 8 A100 (gpt-fast, README)"),
    Factor("time", 1.0, 0.80, 1.50, "assumed",
           "time that requests take over that of the roofline with its other factors; engines that are not tuned take longer"),
    Factor("step", 1.0, 1.0, 1.0, "assumed",
           "time that a training step takes over that of its roofline; until it is measured the other factors hold it"),
)  # fmt: skip
DEFAULT_FACTORS: Mapping[str, Factor] = MappingProxyType({factor.name: factor for factor in _DEFAULTS})
"""By name, what is used where a hardware file holds no factor of its own."""
FACTOR_UNITS: Mapping[str, str] = MappingProxyType(
    {"key": "s", "layer": "s", "collective": "s", "time": "times", "step": "times"}
)
"""Units of the factors that are no shares of a peak: of these the low end is the fast one."""
