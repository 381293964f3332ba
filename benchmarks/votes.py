"""Votes beyond the samples drawn: how often intervals of the error and of its floor hold, on planted chances.

Usage: python benchmarks/votes.py [--write]     (about a minute)
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import binom

from _report import Report
from allometry.forecasts import votes_of

PROBLEMS, SEEDS, TIMES = 120, range(40), 10
SHAPES = [(2.0, 1.0), (0.7, 0.5), (12.0, 10.0), (1.0, 1.0), (4.0, 2.0), (0.3, 0.3)]
ANSWERS = 5  # the right one among them
MIXED = [(2.0, 0.5), (0.6, 0.6)]  # concentrations of the right answer and of each other one
EXACT = 20_000  # problems that the truth of several answers is the mean of
Row = tuple[float, bool, bool, float]


def main() -> None:
    report = Report("votes")
    report(f"{PROBLEMS} problems, error of a vote over {TIMES} times the samples, {len(SEEDS)} seeds, 90% intervals")
    every = []
    for samples in (15, 31):
        report(f"{samples} samples a problem")
        for shape in SHAPES:
            every += two_answers(report, shape, samples)
        for own, other in MIXED:
            every += several(report, own, other, samples)
    report(f"all: {summary(every)}")
    if "--write" in sys.argv:
        report.write()


def two_answers(report: Report, shape: tuple[float, float], samples: int) -> list[Row]:
    """One right and one wrong answer, exact truth: the binomial's lower half."""
    chances, far = np.random.default_rng(9).beta(*shape, 400_000), TIMES * samples // 2 * 2 + 1
    truth, floor = float(binom.cdf(far // 2, far, chances).mean()), float((chances < 0.5).mean())
    rows = []
    for seed in SEEDS:
        drawn = np.random.default_rng([seed, 50])
        right = drawn.beta(*shape, PROBLEMS)
        rows.append(told(np.stack([right, 1 - right], axis=1), samples, far, (truth, floor), drawn))
    report(f"  right by beta{shape}: error {truth:.3f}, floor {floor:.3f}; {summary(rows)}")
    return rows


def several(report: Report, own: float, other: float, samples: int) -> list[Row]:
    """Five answers with Dirichlet shares; truth by a vote on each of many problems."""
    alpha, far = [own] + [other] * (ANSWERS - 1), TIMES * samples // 2 * 2 + 1
    drawn = np.random.default_rng(9)
    shares = drawn.dirichlet(alpha, EXACT)
    counts = drawn.multinomial(far, shares)
    top = counts == counts.max(axis=1, keepdims=True)
    truth, floor = float(np.mean(1 - top[:, 0] / top.sum(axis=1))), float(np.mean(shares.argmax(axis=1) != 0))
    rows = []
    for seed in SEEDS:
        drawn = np.random.default_rng([seed, 51])
        rows.append(told(drawn.dirichlet(alpha, PROBLEMS), samples, far, (truth, floor), drawn))
    report(
        f"  of {ANSWERS} answers, Dirichlet({own:g}, {other:g}, ...): error {truth:.3f}, floor {floor:.3f}; {summary(rows)}"
    )
    return rows


def told(shares: np.ndarray, samples: int, far: int, truths: tuple[float, float], drawn: np.random.Generator) -> Row:
    """Error of the value, whether the intervals of error and floor held, and the width of the first."""
    answers = np.concatenate([drawn.choice(shares.shape[1], samples, p=one) for one in shares])
    problems = np.repeat(np.arange(len(shares)), samples)
    found = votes_of(problems.tolist(), answers.tolist(), (answers == 0).tolist(), bootstrap=300)
    error, floor = found.error(far), found.floor
    return (
        error.value - truths[0],
        error.low <= truths[0] <= error.high,
        floor.low <= truths[1] <= floor.high,
        error.high - error.low,
    )


def summary(rows: list[Row]) -> str:
    off, held, floor, width = (np.array(column) for column in zip(*rows, strict=True))
    return (
        f"mean |error| {np.abs(off).mean():.4f}, bias {off.mean():+.3f}, held {held.sum()} of {len(held)}, "
        f"floor held {floor.sum()}, mean width {width.mean():.2f}"
    )


if __name__ == "__main__":
    main()
