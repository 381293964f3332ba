"""What a service must reach, and by what plans are ranked."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.costs._checks import check_choice, check_positive
from allometry.notices import Refused

RANKS = ("cost", "throughput", "ttft", "tpot", "latency", "attainment")
ATTAIN = 0.95


@dataclass(frozen=True, kw_only=True)
class Goals:
    """Service-level goals: seconds to the first token and per token after it, for a share `attain` of the requests.

    `rank` is what comes first among plans that reach them: "cost" (money per token where all have a price, else
    device-seconds), "throughput", "ttft", "tpot", "latency" (95th percentiles) or "attainment".
    """

    ttft: float | None = None
    tpot: float | None = None
    attain: float = ATTAIN
    rank: str = "cost"

    def __post_init__(self) -> None:
        for name in ("ttft", "tpot"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), "the goals")
        check_choice("rank", self.rank, RANKS, "the goals")
        if not 0 < self.attain <= 1:
            raise Refused("bad-goal", f"{self.attain:g} is no share of the requests", "the goals", "give 0.95 for 95%")
        if self.rank == "attainment" and self.ttft is None and self.tpot is None:
            raise Refused("bad-goal", "there is no goal to attain", "the goals", "give ttft, tpot or both, in seconds")
