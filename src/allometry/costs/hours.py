"""Device-hours as a budget: how many tokens and steps they are at a measured throughput."""

from __future__ import annotations

from allometry.costs._checks import check_count, check_positive
from allometry.costs.prices import SECONDS_PER_HOUR


def tokens_in(hours: float, tokens_per_second: float) -> float:
    """Tokens that a throughput goes through in `hours` device-hours.

    Use it to compare architectures at equal hours of one device, each at the throughput of its best batch.
    Source: Stanic et al. 2023, arXiv 2309.11197 (Languini), section 4.

    >>> tokens_in(6, 55_416)
    1196985600.0
    """
    check_positive("hours", hours, "the budget", zero=True)
    check_positive("tokens_per_second", tokens_per_second, "the budget")
    return hours * SECONDS_PER_HOUR * tokens_per_second


def steps_in(hours: float, tokens_per_second: float, batch: int, context: int) -> int:
    """Steps of `batch` sequences of `context` tokens that those hours are, to the nearest.

    >>> steps_in(6, 55_416, batch=128, context=512)
    18265
    """
    check_count("batch", batch, where="the budget")
    check_count("context", context, where="the budget")
    return round(tokens_in(hours, tokens_per_second) / (batch * context))
