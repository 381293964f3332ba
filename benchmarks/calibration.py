"""How far laws miss larger runs beyond the noise of their fit, over published tables, and whether intervals that hold it are honest.

Every table is backtested at rolling cuts. The new-run interval of fit noise is widened, in quadrature and in the fit's
space, by K times the shape that `forecasts.discrepancy` gives each point. K is chosen so that nominal 80% intervals hold
80% of the held-out rows, averaged over sources, and is scored on the source that was left out of choosing it: two tables
of one source count as one. Rows count alike within a case, cases and laws within a source.

    ALLOMETRY_DATA=DIR python benchmarks/calibration.py [--write]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import NamedTuple

import numpy as np

from _board import board_cases
from _board_case import Case
from _report import Report
from allometry.expressions import target_transform
from allometry.fits import Settings
from allometry.forecasts import DISCREPANCY, Backtest, backtest
from allometry.laws import find_law
from allometry.notices import Refused

LEVEL = 0.8
Z = 1.2815515655446004  # of a normal interval at that level
PRETRAINING = ("chinchilla", "kaplan_floor", "skaling", "bounded_rational", "overtraining", "power")
MOST_CASES = 4  # of a group: further curves of one table say the same
MOST_LAWS = 4  # of other metrics, those of fewest parameters
SETTINGS = Settings(bootstrap=150, level=LEVEL)


class Part(NamedTuple):
    """One law on one case: ends of the fit-noise interval and the miss, in the fit's space, and the shape of K."""

    source: str
    group: str
    low: np.ndarray
    high: np.ndarray
    miss: np.ndarray
    shape: np.ndarray

    def inside(self, k: float) -> np.ndarray:
        """Whether intervals widened by K held each row (m,)."""
        wide = Z * k * self.shape
        return (self.miss >= -np.hypot(np.minimum(self.low, 0), wide)) & (
            self.miss <= np.hypot(np.maximum(self.high, 0), wide)
        )

    def width(self, k: float) -> float:
        """Median width of the widened intervals."""
        wide = Z * k * self.shape
        return float(np.median(np.hypot(np.minimum(self.low, 0), wide) + np.hypot(np.maximum(self.high, 0), wide)))


def part(case: Case, test: Backtest) -> Part | None:
    """The rows of a backtest that can be scored: forecast beyond the runs, with an interval."""
    space = test.law.space

    def places(values: np.ndarray) -> np.ndarray:
        return np.asarray(target_transform(space, values), float)

    with np.errstate(all="ignore"):
        middle = places(test.predicted)
        low, high, miss = (places(v) - middle for v in (test.noise_low, test.noise_high, test.measured))
    shape = test.discrepancy / DISCREPANCY
    usable = np.isfinite(low) & np.isfinite(high) & np.isfinite(miss) & np.isfinite(shape) & (shape > 0)
    if not usable.any():
        return None
    return Part(case.source, case.group, low[usable], high[usable], miss[usable], shape[usable])


def laws_of(case: Case) -> list:
    """The laws that stand for a case."""
    if {"params", "tokens", "flops"} <= {*case.axes} and case.metric == "loss":
        return [find_law(name) for name in PRETRAINING]
    return sorted(case.laws, key=lambda law: (len(law.parameters), law.name))[:MOST_LAWS]


def backtests(say: Report) -> list[Part]:
    """Every case of the board, a few of each group, by every law that stands for it."""
    found, seen = list[Part](), Counter[str]()
    for case in board_cases():
        if case.nats or seen[case.group] >= MOST_CASES:
            continue
        seen[case.group] += 1
        for law in laws_of(case):
            try:
                test = backtest(case.runs, [law], SETTINGS, along=case.along)[0]
            except Refused as refused:
                say(f"   left out: {case.group} {case.name}, {law.name}: {refused.message}")
                continue
            own = part(case, test)
            found += [own] if own is not None else []
    return found


def by_source(parts: list[Part], k: float) -> dict[str, float]:
    """Share of rows inside, averaged over the laws and cases of each source."""
    return {
        s: float(np.mean([p.inside(k).mean() for p in parts if p.source == s]))
        for s in dict.fromkeys(p.source for p in parts)
    }


def chosen(parts: list[Part]) -> float:
    """The least K at which the mean over sources reaches the level."""
    low, high = 0.0, 100.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if np.mean([*by_source(parts, middle).values()]) >= LEVEL else (middle, high)
    return high


def resampled(values: list[float]) -> tuple[float, float]:
    """90% interval of the mean by resampling sources."""
    drawn = np.random.default_rng(0).choice(values, size=(4000, len(values))).mean(axis=1)
    return float(np.quantile(drawn, 0.05)), float(np.quantile(drawn, 0.95))


def main() -> None:
    say, started = Report("calibration"), time.process_time()
    parts = backtests(say)
    sources = list(dict.fromkeys(p.source for p in parts))
    constant = {s: chosen([p for p in parts if p.source != s]) for s in sources}
    say(
        f"K over all sources {chosen(parts):.2f} (shipped {DISCREPANCY:g}); leaving one out {min(constant.values()):.2f} to {max(constant.values()):.2f}"
    )
    say(f"\nnominal {LEVEL:.0%} new-run intervals: share of held-out larger runs inside, K chosen without the source")
    say(
        f"{'source':18s}{'table':32s}{'rows':>7s}{'K':>7s}{'fit noise':>11s}{'calibrated':>12s}{'width':>9s}{'was':>9s}"
    )
    for group in dict.fromkeys(p.group for p in parts):
        own = [p for p in parts if p.group == group]
        k = constant[own[0].source]
        plain, wide = (np.mean([p.inside(c).mean() for p in own]) for c in (0.0, k))
        widths = [np.mean([p.width(c) for p in own]) for c in (k, 0.0)]
        say(
            f"{own[0].source:18s}{group:32s}{sum(len(p.miss) for p in own):7d}{k:7.2f}{plain:11.2f}{wide:12.2f}{widths[0]:9.4f}{widths[1]:9.4f}"
        )
    for name, shares in (
        ("fit noise only", [by_source(parts, 0.0)[s] for s in sources]),
        ("calibrated, source left out", [by_source(parts, constant[s])[s] for s in sources]),
        ("calibrated, as shipped", [by_source(parts, DISCREPANCY)[s] for s in sources]),
    ):
        low, high = resampled(shares)
        say(
            f"{name:28s} mean over {len(sources)} sources {np.mean(shares):.3f}, 90% interval by resampling sources [{low:.3f}, {high:.3f}]"
        )
    say(f"process seconds {time.process_time() - started:.0f}")
    if "--write" in sys.argv:
        say.write()


if __name__ == "__main__":
    main()
