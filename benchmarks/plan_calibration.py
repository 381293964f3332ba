"""Plans made from shorter tables against the optimum of all runs: do calibrated intervals hold it, or say there is no plan?

1. The 240 runs of Besiroglu et al. 2024, cut at five budgets, planned at 5.76e23 FLOPs, against the optimum of all runs.
2. Other published tables cut half a decade to two decades below their largest compute, planned at that compute.
3. Simulated ladders whose optimum is known: one that the law describes, and one whose two terms are coupled.

    ALLOMETRY_DATA=DIR python benchmarks/plan_calibration.py [--write]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from _board import board_cases
from _report import Report
from allometry.costs import compute_of
from allometry.fits import Fit, Huber, Settings, fit, select
from allometry.laws import find_law
from allometry.notices import Interval, Refused
from allometry.plans import Plan, plan
from allometry.runs import read_runs

LAW = find_law("chinchilla")
LEVEL = 0.9
TARGET = 5.76e23
CUTS = (1e19, 3e19, 1e20, 3e20, 1e21)
BACK = (0.5, 1.0, 1.5, 2.0)
STUDIES = 60


def holds(found: Interval, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where there is no plan."""
    if found.value is None or found.low is None or found.high is None:
        return None
    return bool(found.low <= truth <= found.high)


def calibrated(found: Plan) -> Interval:
    """The calibrated interval of size; that of fit noise where nothing lies beyond the runs."""
    return found.at["params"] if found.calibration is None else found.calibration.at["params"]


def ends(found: Interval) -> str:
    low, high = (("-" if end is None else f"{end / 1e9:.3g}") for end in (found.low, found.high))
    return f"[{low}, {high}]"


def hoffmann(say: Report) -> None:
    """The cuts of one table far below the budget of its plan."""
    case = next(case for case in board_cases() if (case.group, case.name) == ("epoch", "240 rows"))
    settings = Settings(bootstrap=300, objective=Huber(1e-3), level=LEVEL)
    rows = select(case.runs, LAW, settings)
    compute = compute_of(rows.axes)
    truth = plan(fit(rows, LAW, settings), flops=TARGET, refit=None).at["params"].value
    say(f"epoch, planned at {TARGET:g} FLOPs; all {len(rows)} runs: {truth / 1e9:.3g} B parameters")
    plain, wide = 0, 0
    for cut in CUTS:
        found = plan(fit(rows.subset(compute <= cut), LAW, settings), flops=TARGET)
        noise, own = found.at["params"], calibrated(found)
        plain, wide = plain + (holds(noise, truth) is True), wide + (holds(own, truth) is not False)
        verdict = {True: "holds it", False: "MISSES it", None: own.why}[holds(own, truth)]
        say(f"  to {cut:g}: {noise.value / 1e9:.4g} B, fit noise {ends(noise)}, calibrated {ends(own)} {verdict}")
    say(
        f"fit noise holds it {plain} of {len(CUTS)} times; calibrated holds it or says there is no plan {wide} of {len(CUTS)}"
    )


def others(say: Report) -> None:
    """Every table of params and tokens, cut below its largest compute and planned there."""
    counts: dict[str, list[tuple[bool | None, bool | None]]] = {}
    for case in board_cases():
        if not {"params", "tokens"} <= {*case.axes} or case.metric != "loss" or case.nats:
            continue
        rows = select(case.runs, LAW, Settings(bootstrap=200))
        logs = np.log10(compute_of(rows.axes))
        top = float(np.quantile(logs, 0.99))
        try:
            whole = plan(fit(rows, LAW, Settings(bootstrap=200)), flops=10**top, refit=None)
        except Refused:
            continue
        if not whole.complete:
            continue
        for back in BACK:
            pair = earlier(rows, logs <= top - back + 1e-6, 10**top, float(whole.at["params"].value))
            if pair is not None:
                counts.setdefault(case.group, []).append(pair)
    say("\nother tables: optimum at the largest compute from runs 0.5 to 2 decades below, against that of all runs")
    say(f"{'table':32s}{'plans':>7s}{'fit noise holds':>17s}{'calibrated holds':>18s}{'no plan':>9s}")
    for group, pairs in counts.items():
        tally(say, group, pairs)
    tally(say, "all", [pair for pairs in counts.values() for pair in pairs])


def tally(say: Report, name: str, pairs: list[tuple[bool | None, bool | None]]) -> None:
    planned = [wide for _, wide in pairs if wide is not None]
    held = f"{sum(planned)} of {len(planned)}"
    say(
        f"{name:32s}{len(pairs):7d}{f'{sum(noise is True for noise, _ in pairs)} of {len(pairs)}':>17s}{held:>18s}{len(pairs) - len(planned):9d}"
    )


def earlier(rows, keep, flops: float, truth: float) -> tuple[bool | None, bool | None] | None:
    try:
        found = plan(fit(rows.subset(keep), LAW, Settings(bootstrap=200, level=LEVEL)), flops=flops)
    except Refused:
        return None
    return (holds(found.at["params"], truth), holds(calibrated(found), truth)) if found.complete else None


def simulated(say: Report, coupled: float) -> None:
    """Ladders of 1e17.5 to 1e21 FLOPs planned two decades beyond."""
    generator = np.random.default_rng(0)
    pairs, spans = [], []
    for _ in range(STUDIES):
        constants = np.array([1.8, 480.0, 0.35, 2100.0, 0.37]) * np.exp(
            generator.normal(0, [0.05, 0.2, 0.05, 0.2, 0.05])
        )
        params = np.exp(generator.uniform(np.log(1e7), np.log(3e9), 60))
        tokens = params * np.exp(generator.uniform(np.log(3), np.log(300), 60))
        inside = (6 * params * tokens > 3e17) & (6 * params * tokens < 1e21)
        params, tokens = params[inside], tokens[inside]
        loss = truth_at(constants, coupled, params, tokens) * np.exp(generator.normal(0, 0.005, len(params)))
        fitted: Fit = fit(read_runs({"params": params, "tokens": tokens, "loss": loss}), LAW, Settings(bootstrap=200))
        sizes = np.geomspace(1e7, 1e13, 6001)
        best = sizes[np.argmin(truth_at(constants, coupled, sizes, 1e23 / 6 / sizes))]
        found = plan(fitted, flops=1e23)
        noise, own = found.at["params"], calibrated(found)
        pairs.append((holds(noise, best), holds(own, best)))
        if own.value is not None and None not in (own.low, own.high, noise.low, noise.high):
            spans.append((np.log(noise.high / noise.low), np.log(own.high / own.low)))
    tally(say, f"terms coupled by the power {coupled:g}", pairs)
    plain, wide = np.exp(np.median(spans, axis=0))
    say(f"    median factor between the ends: fit noise {plain:.2f}, calibrated {wide:.2f}")


def truth_at(constants: np.ndarray, coupled: float, params: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    floor, a, alpha, b, beta = constants
    return floor + (a / params**alpha + b / tokens**beta) ** coupled


def main() -> None:
    say, started = Report("plan_calibration"), time.process_time()
    hoffmann(say)
    others(say)
    say(f"\nsimulated ladders, {STUDIES} each, planned two decades beyond: {LEVEL:.0%} intervals of the known optimum")
    for coupled in (1.0, 0.8):
        simulated(say, coupled)
    say(f"process seconds {time.process_time() - started:.0f}")
    if "--write" in sys.argv:
        say.write()


if __name__ == "__main__":
    main()
