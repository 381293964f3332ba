"""Loads made by a rule: Poisson, bursty, regular or all at once."""

from __future__ import annotations

import math

import numpy as np

from allometry.axes import nearest_names
from allometry.costs._checks import check_count, check_positive
from allometry.costs.serving.lengths import read_lengths
from allometry.costs.serving.traces import Floats, Trace, trace_of
from allometry.expressions import parse_number
from allometry.notices import Refused

ARRIVALS = ("poisson", "bursty", "regular", "together")


def generate_trace(
    *, rate: float, requests: int, prompt: str, generated: str, arrivals: str = "poisson", seed: int = 0
) -> Trace:
    """A trace of independent requests.

    Use it where there is no recording; a recorded trace (`read_trace`) says more, since real lengths have long tails
    and real arrivals come in bursts.

    Arguments: `rate` requests a second; `prompt` and `generated` name distributions of tokens ("512",
    "lognormal:512,256", see `Lengths`); `arrivals` is "poisson", "bursty:C" (gamma-distributed gaps with a coefficient
    of variation C; 1 is Poisson), "regular", or "together" (all at once: `rate` is not used).
    Errors: `Refused` for a rate or number of requests that is not positive, and unknown names with the nearest.

    >>> generate_trace(rate=2, requests=3, prompt="100", generated="10", arrivals="regular").arrival.tolist()
    [0.0, 0.5, 1.0]
    """
    where = "the load"
    check_count("requests", requests, where=where)
    generator = np.random.default_rng(seed)
    gaps = _gaps(arrivals, rate, requests - 1, generator, where)
    arrival = np.concatenate([[0.0], np.cumsum(gaps)])
    tokens = [read_lengths(text, f"{where}, {name}").draw(requests, generator)
              for name, text in (("prompt", prompt), ("generated", generated))]  # fmt: skip
    return trace_of(arrival.tolist(), tokens[0].tolist(), tokens[1].tolist(), where=where)


def _gaps(arrivals: str, rate: float, size: int, generator: np.random.Generator, where: str) -> Floats:
    kind, _, text = arrivals.partition(":")
    if kind not in ARRIVALS or (text and kind != "bursty"):
        near = ", ".join(nearest_names(kind, ARRIVALS))
        raise Refused("unknown-arrivals", f"arrivals cannot be {arrivals!r}", where, f"the nearest are {near}")
    if kind == "together":
        return np.zeros(size)
    check_positive("rate", rate, where)
    if kind == "regular":
        return np.full(size, 1 / rate)
    variation = parse_number(text, "arrivals") if text else (1.0 if kind == "poisson" else 2.0)
    if not (math.isfinite(variation) and variation > 0):
        raise Refused("bad-arrivals", f"a coefficient of variation of {text} cannot be", where, "such as bursty:2")
    return generator.gamma(1 / variation**2, variation**2 / rate, size)
