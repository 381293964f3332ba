"""Forecasts of rejection sampling from a pilot: how often the interval of the trials holds what a new world then takes.

Usage: python benchmarks/rejection_forecast.py [--write]     (about a minute)
"""

from __future__ import annotations

import sys

import numpy as np

from _report import Report
from allometry.data.sampling.rejection import forecast_trials

QUERIES, PILOT, TARGET, CAP, DRAWS = 80, 8, 6, 100, 240
SEEDS = range(1000, 1100)
SPREADS = ((0.5, 1.5), (0.2, 0.6), (2.0, 2.0))


def taken(rates: np.ndarray, drawn: np.random.Generator) -> int:
    """The trials of all queries, drawn one by one."""
    right = np.cumsum(drawn.random((len(rates), CAP)) < rates[:, None], axis=1)
    return int(np.where(right[:, -1] >= TARGET, (right < TARGET).sum(1) + 1, CAP).sum())


def main() -> None:
    say = Report("rejection_forecast")
    say(f"{QUERIES} queries, pilot of {PILOT}, {TARGET} right answers, at most {CAP} trials; 90% intervals")
    for a, b in SPREADS:
        held, off = 0, []
        for seed in SEEDS:
            drawn = np.random.default_rng(seed)
            rates = drawn.beta(a, b, QUERIES)
            told = forecast_trials(TARGET, CAP, successes=drawn.binomial(PILOT, rates), trials=np.full(QUERIES, PILOT),
                                   draws=DRAWS).trials  # fmt: skip
            used = taken(rates, drawn)
            held += bool(told.low <= used <= told.high)
            off.append(abs(told.value / used - 1))
        say(f"rates Beta({a:g}, {b:g}): held {held} of {len(SEEDS)}, off by {np.mean(off):.1%} in the mean")
    if "--write" in sys.argv:
        say.write()


if __name__ == "__main__":
    main()
