"""Pass@k beyond the samples drawn: how often intervals hold the truth, on planted spreads and on a published table.

Usage: python benchmarks/pass_at.py [--write]     (about a minute; the table where ALLOMETRY_DATA names its folder)
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.special import betaln

from _report import Report, published_table
from allometry.forecasts import coverage_of
from allometry.runs import pass_at_k, read_table

PROBLEMS, TRIALS, FAR, SEEDS = 100, 60, 5_000, range(100, 125)
WORLDS = [(0.3, 12.0, 0.0), (1.0, 30.0, 0.0), (0.2, 10.0, 0.0), (0.5, 6.0, 0.4), (0.5, 6.0, 0.8), (2.0, 60.0, 0.3)]
DRAWN, SEEN, DRAWS = 10_000, 100, 5


def main() -> None:
    report = Report("pass_at")
    report(f"planted: {PROBLEMS} problems, {TRIALS} samples each, pass@{FAR}, {len(SEEDS)} seeds, 90% intervals")
    held = [planted(report, *world) for world in WORLDS]
    report(f"held in all: {sum(held)} of {len(held) * len(SEEDS)}")
    if published_table("monkeys_pythia_math.csv"):
        published(report)
    if "--write" in sys.argv:
        report.write()


def planted(report: Report, a: float, b: float, never: float) -> int:
    truth = float((1 - never) * -np.expm1(betaln(a, b + FAR) - betaln(a, b)))
    rows = []
    for seed in SEEDS:
        drawn = np.random.default_rng([seed, 11])
        chances = drawn.beta(a, b, PROBLEMS) * (drawn.random(PROBLEMS) >= never)
        rows.append(told(drawn.binomial(TRIALS, chances), TRIALS, FAR, truth))
    report(f"  beta({a:g}, {b:g}), {never:.0%} never solved: truth {truth:.3f}; {summary(rows)}")
    return sum(held for _, held, _ in rows)


def published(report: Report) -> None:
    """Seven models, 100 of their 10,000 samples a problem."""
    columns = read_table(published_table("monkeys_pythia_math.csv")).columns
    report(
        f"Brown et al. 2024, Pythia on MATH: pass@{DRAWN} from {SEEN} samples a problem, {DRAWS} draws, 90% intervals"
    )
    everything = []
    for model in dict.fromkeys(columns["model"].tolist()):
        right = columns["samples_correct"][columns["model"] == model].astype(int)
        truth = float(pass_at_k(DRAWN, right, DRAWN).mean())
        few = [np.random.default_rng(seed).hypergeometric(right, DRAWN - right, SEEN) for seed in range(DRAWS)]
        rows = [told(one, SEEN, DRAWN, truth) for one in few]
        report(f"  {model}: truth {truth:.3f}; {summary(rows)}")
        everything += rows
    report(f"  all: {summary(everything)}")


def told(right: np.ndarray, trials: int, k: int, truth: float) -> tuple[float, bool, float]:
    """Error of the value, whether the interval held the truth, its width."""
    found = coverage_of(right, np.full(len(right), trials)).pass_at(k)
    return found.value - truth, found.low <= truth <= found.high, found.high - found.low


def summary(rows: list[tuple[float, bool, float]]) -> str:
    error, held, width = (np.array(column) for column in zip(*rows, strict=True))
    return (
        f"mean |error| {np.abs(error).mean():.4f}, bias {error.mean():+.3f}, held {held.sum()} of {len(held)}, "
        f"mean width {width.mean():.2f}"
    )


if __name__ == "__main__":
    main()
