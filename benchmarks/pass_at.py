"""Pass@k beyond the samples drawn: how often intervals hold the truth, on planted spreads and on a published table.

Two rules for the value are held side by side, the law of the mean curve (what `coverage_of` gives) and the most likely
spread. The law was chosen with the published table known, so what it is off there is no test of that choice.

Usage: python benchmarks/pass_at.py [--write]     (about three minutes; the table where ALLOMETRY_DATA names its folder)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.special import betaln

from _report import Report, published_table
from allometry.forecasts import coverage_of, saturation_of
from allometry.notices import Interval
from allometry.runs import pass_at_k, read_table

PROBLEMS, TRIALS, FAR, SEEDS = 100, 60, 5_000, range(100, 125)
WORLDS = [(0.3, 12.0, 0.0), (1.0, 30.0, 0.0), (0.2, 10.0, 0.0), (0.5, 6.0, 0.4), (0.5, 6.0, 0.8), (2.0, 60.0, 0.3)]
DRAWN, SEEN, DRAWS = 10_000, 100, 40
GAIN = 1e-4  # of coverage, a sample
KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "beta(.3, 300)": lambda drawn, n: drawn.beta(0.3, 300, n),
    "log10 normal(-2.5, 1)": lambda drawn, n: np.minimum(10 ** drawn.normal(-2.5, 1, n), 1),
    "log10 normal(-3, .8)": lambda drawn, n: np.minimum(10 ** drawn.normal(-3, 0.8, n), 1),
    "log10 normal(-4, 1.2)": lambda drawn, n: np.minimum(10 ** drawn.normal(-4, 1.2, n), 1),
    "log10 normal(-2, 1.3), 6% always right": lambda drawn, n: np.minimum(10 ** drawn.normal(-2, 1.3, n), 1),
    "logit normal(-6, 2)": lambda drawn, n: 1 / (1 + np.exp(-drawn.normal(-6, 2, n))),
    "30% beta(2, 20), else beta(.3, 100)": lambda drawn, n: np.where(
        drawn.random(n) < 0.3, drawn.beta(2, 20, n), drawn.beta(0.3, 100, n)
    ),
    "15% beta(2, 8), else log10 normal(-4, .5)": lambda drawn, n: np.where(
        drawn.random(n) < 0.15, drawn.beta(2, 8, n), 10 ** drawn.normal(-4, 0.5, n)
    ),
    "20% never, else log10 normal(-2.5, 1)": lambda drawn, n: (
        np.minimum(10 ** drawn.normal(-2.5, 1, n), 1) * (drawn.random(n) >= 0.2)
    ),
    "log10 uniform(-6, -.5)": lambda drawn, n: 10 ** drawn.uniform(-6, -0.5, n),
}
KIND_SEEDS = range(200, 212)
Row: TypeAlias = tuple[float, bool, float, float]


def main() -> None:
    report = Report("pass_at")
    report(f"planted: {PROBLEMS} problems, {TRIALS} samples each, pass@{FAR}, {len(SEEDS)} seeds, 90% intervals")
    report(f"  all: {summary([row for world in WORLDS for row in planted(report, *world)])}")
    report(f"of no family: 120 problems, {SEEN} samples each, pass@{DRAWN}, {len(KIND_SEEDS)} seeds")
    report(f"  all: {summary([row for name in KINDS for row in of_no_family(report, name)])}")
    if published_table("monkeys_pythia_math.csv"):
        published(report)
    if "--write" in sys.argv:
        report.write()


def planted(report: Report, a: float, b: float, never: float) -> list[Row]:
    truth = float((1 - never) * -np.expm1(betaln(a, b + FAR) - betaln(a, b)))
    rows = []
    for seed in SEEDS:
        drawn = np.random.default_rng([seed, 11])
        chances = drawn.beta(a, b, PROBLEMS) * (drawn.random(PROBLEMS) >= never)
        rows.append(told(drawn.binomial(TRIALS, chances), TRIALS, FAR, truth))
    report(f"  beta({a:g}, {b:g}), {never:.0%} never solved: truth {truth:.3f}; {summary(rows)}")
    return rows


def of_no_family(report: Report, name: str) -> list[Row]:
    truth = float(np.mean(1 - (1 - KINDS[name](np.random.default_rng(999), 2_000_000)) ** DRAWN))
    rows = []
    for seed in KIND_SEEDS:
        drawn = np.random.default_rng([seed, 77])
        rows.append(told(drawn.binomial(SEEN, KINDS[name](drawn, 120)), SEEN, DRAWN, truth))
    report(f"  {name}: truth {truth:.3f}; {summary(rows)}")
    return rows


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
        few = [
            np.random.default_rng([seed, 5]).hypergeometric(right, DRAWN - right, SEEN)
            for seed in range(300, 300 + DRAWS)
        ]
        rows = [told(one, SEEN, DRAWN, truth) for one in few]
        report(f"  {model}: truth {truth:.3f}; {summary(rows)}")
        everything += rows
    report(f"  all: {summary(everything)}")
    report(
        "from all 10,000 samples a problem: coverage at ten times as many, and the law of one chance for all that can be solved"
    )
    for model in dict.fromkeys(columns["model"].tolist()):
        fits(report, model, columns["samples_correct"][columns["model"] == model].astype(int))


def fits(report: Report, model: str, right: np.ndarray) -> None:
    """Both fits of one model, each with its intervals; whether the second holds is part of it."""
    trials = np.full(len(right), DRAWN)
    found, flat = coverage_of(right, trials), saturation_of(right, trials)
    stops = found.samples_worth(GAIN)
    report(
        f"  {model}: pass@{10 * DRAWN} {words(found.pass_at(10 * DRAWN))}, one more brings under {GAIN:g} from "
        f"{words(stops)} samples on; ceiling {words(flat.ceiling)} at chance {words(flat.chance)}, which "
        f"{'holds' if flat.holds else 'does not hold'} (p {flat.alike:.1g})"
    )


def words(found: Interval) -> str:
    low, high = (f"{end:.3g}" if end is not None else "-" for end in (found.low, found.high))
    return f"{found.value:.3g} ({low} to {high})"


def told(right: np.ndarray, trials: int, k: int, truth: float) -> Row:
    """Error of the value, whether the interval held the truth, its width, and the error of the other rule."""
    coverage = coverage_of(right, np.full(len(right), trials))
    found, spread = coverage.pass_at(k), coverage.likeliest_at(k)
    return found.value - truth, found.low <= truth <= found.high, found.high - found.low, spread - truth


def summary(rows: list[Row]) -> str:
    error, held, width, other = (np.array(column) for column in zip(*rows, strict=True))
    return (
        f"mean |error| {np.abs(error).mean():.4f}, bias {error.mean():+.3f}, held {held.sum()} of {len(held)}, "
        f"mean width {width.mean():.2f}; the most likely spread: mean |error| {np.abs(other).mean():.4f}"
    )


if __name__ == "__main__":
    main()
