"""Forecasts of rejection sampling from 8 trials a query: how often their intervals hold what a new world then takes.

Two ways, as `allometry data sample` has them: uniform targets that are drawn anew behind a table of counts, and targets
by difficulty made of a pilot whose trials count.

Usage: python benchmarks/rejection_forecast.py [--write]     (about a quarter of a minute)
"""

from __future__ import annotations

import sys

import numpy as np

from _report import Report
from allometry.data.sampling.rejection import TrialForecast, forecast_trials, prop2diff_targets

QUERIES, PILOT, TARGET, CAP, DRAWS = 80, 8, 6, 100, 240
SEEDS = range(1000, 1100)
SPREADS = ((0.5, 1.5), (0.2, 0.6), (2.0, 2.0), (0.7, 1.4), (0.05, 3.0))


def truth(right: np.ndarray, targets: np.ndarray, least: int) -> tuple[int, int, int]:
    """Trials, `least` or more of each query, right answers and queries short, by right answers so far (n, cap)."""
    met = right[:, -1] >= targets
    trials = np.where(met, (right < targets[:, None]).sum(1) + 1, CAP)
    return int(np.maximum(trials, least).sum()), int(np.minimum(right[:, -1], targets).sum()), int((~met).sum())


def told(targets: np.ndarray, counts: np.ndarray, *, begun: bool) -> TrialForecast:
    return forecast_trials(targets, CAP, successes=counts, trials=np.full(QUERIES, PILOT), begun=begun, draws=DRAWS)


def world(spread: tuple[float, float], seed: int, *, begun: bool) -> tuple[TrialForecast, tuple[int, int, int]]:
    """The forecast of a world, and what it then took: drawn one by one, behind the counts or with them."""
    drawn = np.random.default_rng(seed)
    rates = drawn.beta(*spread, QUERIES)
    right = np.cumsum(drawn.random((QUERIES, CAP)) < rates[:, None], axis=1)
    counts = right[:, PILOT - 1] if begun else drawn.binomial(PILOT, rates)
    targets = prop2diff_targets(counts / PILOT, TARGET) if begun else np.full(QUERIES, TARGET)
    return told(targets, counts, begun=begun), truth(right, targets, PILOT if begun else 0)


def main() -> None:
    say = Report("rejection_forecast")
    say(
        f"{QUERIES} queries, {PILOT} trials of each counted, {TARGET} right answers, at most {CAP} trials; 90% intervals"
    )
    say(f"held of {len(SEEDS)} new worlds: trials, right answers, queries short; mean error of the trials")
    for begun, way in ((False, "uniform, drawn anew"), (True, "prop2diff, pilot counts")):
        for spread in SPREADS:
            held, off = np.zeros(3, dtype=int), []
            for seed in SEEDS:
                made, true = world(spread, seed, begun=begun)
                held += [
                    one.low <= t <= one.high for t, one in zip(true, (made.trials, made.right, made.short), strict=True)
                ]
                off.append(abs(made.trials.value / true[0] - 1))
            say(f"{way}, rates Beta({spread[0]:g}, {spread[1]:g}): {held[0]}, {held[1]}, {held[2]}; {np.mean(off):.1%}")
    if "--write" in sys.argv:
        say.write()


if __name__ == "__main__":
    main()
