"""Next runs by design against log-uniform ones of equal FLOPs, on simulated studies with known truth.

    python benchmarks/next_runs.py [--studies 200] [--resamples 200] [--write]

A study: a law of size and tokens whose constants are its published (or design) ones, each times exp(0.1 z); 12 to 30
runs log-uniform over 1.3 to 2 decades of size and of tokens, 0.3 to 1% of noise; a budget of 0.5 to 3 times what these
runs cost; a target 1 to 2 decades of compute above the largest run at 10 to 40 tokens per parameter. Both sides may
build the same: sizes and tokens from the table's smallest up, tokens per parameter within twice the table's range, one
run at most the budget. Every arm spends the budget on new runs, measures them with the same noise, refits everything
and forecasts the target. The arms:

  design   what `allometry next` chooses, by its defaults
  draws    sizes and tokens drawn log-uniform in that region, each kept if the budget still holds it
  lattice  the points of a log-spaced square lattice of 7 levels an axis that lie in that region, its top set so that
           they cost the budget
  ladder   a 4 x 4 grid, log-spaced over the table's own ranges, both stretched by one power so that it costs the budget

Two sides are compared: the width of the 90% interval (ln high/low; target: design at least 30% narrower in the median)
and how often it held the truth; and the width that was promised before a run was made with the one there was then.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import brentq

from _report import Report
from allometry.costs import rule_flops
from allometry.fits import Fit, Quantity, Settings, fit
from allometry.forecasts import buildable, next_runs, percentiles, value_at
from allometry.laws import Law, find_law
from allometry.notices import Refused
from allometry.plans import optimal_params
from allometry.runs import read_runs

Array = np.ndarray
Points = dict[str, Array]
LAWS = ("chinchilla", "overtraining", "kaplan", "kaplan_floor")
SPREAD, LEVEL, NARROWER = 0.1, 0.9, 0.30
LATTICE_LEVELS, LADDER_LEVELS, RATIO_ROOM = 7, 4, 2.0
ARMS = ("design", "draws", "lattice", "ladder")
DRAWN = 400  # points offered to the budget: the rest of it is then under a thousandth


@dataclass(frozen=True)
class Study:
    """A law with its truth (P,), the runs made, noise, the budget, the most one run may cost, and the target."""

    law: Law
    truth: Array
    runs: Points
    loss: Array
    noise: float
    budget: float
    most: float
    target: dict[str, float]
    seed: int

    def measured(self, points: Points, stream: int) -> Array:
        generator = np.random.default_rng([self.seed, stream])
        clean = self.law.evaluate(self.truth, points)
        return np.asarray(clean * np.exp(self.noise * generator.standard_normal(len(clean))))


def make_study(seed: int, share: float) -> Study:
    """Study number `seed`, one run of which may cost `share` of the budget."""
    generator = np.random.default_rng([seed, 91])
    law = find_law(LAWS[seed % len(LAWS)])
    assert law.design is not None
    centre = np.array([law.design.values[name] for name in law.parameter_names])
    truth = centre * np.exp(SPREAD * generator.standard_normal(len(centre)))
    count, noise = int(generator.integers(12, 31)), np.exp(generator.uniform(np.log(0.003), np.log(0.01)))
    smallest = 10 ** generator.uniform(7, 8)
    fewest = smallest * 10 ** generator.uniform(0.5, 1.2)
    decades = generator.uniform(1.3, 2.0, 2)
    runs = {
        "params": smallest * 10 ** (decades[0] * generator.uniform(size=count)),
        "tokens": fewest * 10 ** (decades[1] * generator.uniform(size=count)),
    }
    cost = rule_flops(runs["params"], runs["tokens"])
    budget = float(cost.sum() * np.exp(generator.uniform(np.log(0.5), np.log(3.0))))
    ratio = 10 ** generator.uniform(1, 1.6)
    size = np.sqrt(cost.max() * 10 ** generator.uniform(1, 2) / 6 / ratio)
    target = {"params": float(size), "tokens": float(size * ratio)}
    study = Study(law, truth, runs, np.empty(0), float(noise), budget, share * budget, target, seed)
    return Study(**{**vars(study), "loss": study.measured(runs, 1)})


def in_region(study: Study, points: Points) -> Points:
    """The points that may be built."""
    size, tokens = points["params"], points["tokens"]
    ratio, known = tokens / size, study.runs["tokens"] / study.runs["params"]
    kept = (rule_flops(size, tokens) <= study.most) & (size >= study.runs["params"].min() * (1 - 1e-9))
    kept &= tokens >= study.runs["tokens"].min() * (1 - 1e-9)
    kept &= (ratio >= known.min() / RATIO_ROOM) & (ratio <= known.max() * RATIO_ROOM)
    return {"params": size[kept], "tokens": tokens[kept]}


def draws(study: Study) -> Points:
    generator = np.random.default_rng([study.seed, 92])
    low = np.log([study.runs["params"].min(), study.runs["tokens"].min()])
    high = np.log(study.most / 6) - low[::-1]
    offered = np.exp(generator.uniform(low, high, (100 * DRAWN, 2)))
    points = in_region(study, {"params": offered[:, 0], "tokens": offered[:, 1]})
    chosen, left = [], study.budget
    for i, cost in enumerate(rule_flops(points["params"], points["tokens"])[:DRAWN]):
        if cost <= left:
            chosen.append(i)
            left -= cost
    return {name: column[chosen] for name, column in points.items()}


def lattice(study: Study) -> Points:
    low = np.array([study.runs["params"].min(), study.runs["tokens"].min()])

    def below(top: float) -> Points:
        steps = np.geomspace(1.0, np.exp(top) / rule_flops(*low), LATTICE_LEVELS)
        size, tokens = (axis.ravel() for axis in np.meshgrid(low[0] * steps, low[1] * steps))
        points = in_region(study, {"params": size, "tokens": tokens})
        kept = rule_flops(points["params"], points["tokens"]) <= np.exp(top) * (1 + 1e-9)
        return {name: column[kept] for name, column in points.items()}

    return _at_budget(study, below, float(np.log(rule_flops(*low))) + 0.1, float(np.log(study.most)))


def ladder(study: Study) -> Points:
    def stretched(power: float) -> Points:
        axes = [
            np.geomspace(v.min(), v.min() * (v.max() / v.min()) ** power, LADDER_LEVELS) for v in study.runs.values()
        ]
        size, tokens = (axis.ravel() for axis in np.meshgrid(*axes))
        return {"params": size, "tokens": tokens}

    fits = partial(_largest, stretched)
    top = brentq(lambda p: fits(p) - study.most, 0.0, 5.0) if fits(5.0) > study.most else 5.0
    return _at_budget(study, stretched, 0.0, float(top))


def _largest(make: Callable[[float], Points], power: float) -> float:
    points = make(power)
    return float(rule_flops(points["params"], points["tokens"]).max())


def _at_budget(study: Study, make: Callable[[float], Points], low: float, high: float) -> Points:
    """The points of the largest setting between `low` and `high` that cost no more than the budget, by bisection."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        points = make(middle)
        low, high = (
            (middle, high) if rule_flops(points["params"], points["tokens"]).sum() <= study.budget else (low, middle)
        )
    return make(low)


@dataclass(frozen=True)
class Outcome:
    """One arm of one study: width of the interval, whether it held the truth, the width promised (NaN for none),
    new runs, and the share of the budget they took."""

    width: float
    held: bool
    promised: float = np.nan
    runs: int = 0
    spent: float = 0.0


def refitted(study: Study, new: Points | None, resamples: int) -> Fit:
    table, loss = study.runs, study.loss
    if new is not None:
        table = {name: np.concatenate([column, new[name]]) for name, column in table.items()}
        loss = np.concatenate([loss, study.measured(new, 2)])
    return fit(read_runs({**table, "loss": loss}), study.law, Settings(bootstrap=resamples, level=LEVEL))


def outcome(study: Study, found: Fit, quantity: Quantity, new: Points | None, promised: float = np.nan) -> Outcome:
    truth = float(quantity(study.law, study.truth[None])[0])
    interval = percentiles(truth, quantity(found.law, found.draws), LEVEL, "")
    assert interval.low is not None
    assert interval.high is not None
    cost = np.zeros(0) if new is None else rule_flops(new["params"], new["tokens"])
    width = float(np.log(interval.high / interval.low))
    return Outcome(width, interval.low <= truth <= interval.high, promised, len(cost), float(cost.sum()) / study.budget)


def run_study(seed: int, resamples: int, share: float, plan: bool, arms: tuple[str, ...]) -> dict[str, Outcome] | str:
    """All arms of a study; the code of a refusal where there is no design."""
    study = make_study(seed, share)
    compute = float(rule_flops(study.target["params"], study.target["tokens"]))
    quantity = optimal_params(compute) if plan else value_at(study.target)
    try:
        before = refitted(study, None, resamples)
        choice = buildable(before, study.budget, run_flops=study.most)
        told = next_runs(before, quantity, choice, study.budget)
        designed = {name: np.array([run.at[name] for run in told.runs]) for name in ("params", "tokens")}
        made = {"design": designed, "draws": draws(study), "lattice": lattice(study), "ladder": ladder(study)}
        results = {"before": outcome(study, before, quantity, None)}
        for arm in arms:
            after = refitted(study, made[arm], resamples)
            promised = told.after if arm == "design" else told.spread if arm == "draws" else np.nan
            results[arm] = outcome(study, after, quantity, made[arm], promised)
        return results
    except (Refused, AssertionError) as refused:
        return getattr(refused, "code", "open interval")


def show(report: Report, found: list[dict[str, Outcome] | str], first: int) -> bool:
    """Print a block; whether the design is narrow enough against every arm."""
    sound = [(first + i, one) for i, one in enumerate(found) if not isinstance(one, str)]
    refused = [one for one in found if isinstance(one, str)]
    fine = True
    width = {arm: np.array([one[arm].width for _, one in sound]) for arm in sound[0][1]}
    for arm, widths in width.items():
        all_of = [one[arm] for _, one in sound]
        share = float(np.mean([one.held for one in all_of]))
        line = (
            f"  {arm:8} {np.mean([one.runs for one in all_of]):5.1f} runs, {np.mean([one.spent for one in all_of]):4.0%} spent; "
            f"median width {np.median(widths):7.3%}, of the width before {np.median(widths / width['before']):.3f}; "
            f"truth inside {share:.1%} +- {np.sqrt(share * (1 - share) / len(all_of)):.1%}"
        )
        if arm not in ("design", "before"):
            ratio = width["design"] / widths
            narrower = 1 - float(np.median(ratio))
            fine &= narrower >= NARROWER
            line += f"; design narrower by {narrower:.1%} +- {_median_error(ratio):.1%}"
        report(line)
    for arm in ("design", "draws"):
        honest = np.array([one[arm].promised / one[arm].width for _, one in sound])
        tail = np.quantile(honest, [0.1, 0.9])
        report(
            f"  {arm}: promised width / width there was: median {np.median(honest):.2f}, 10th to 90th percentile {tail[0]:.2f} to {tail[1]:.2f}"
        )
    _by_law(report, sound, width)
    if refused:
        report(f"  no design in {len(refused)} studies: {', '.join(sorted(set(refused)))}")
    return fine


def _by_law(report: Report, sound: list[tuple[int, dict[str, Outcome]]], width: dict[str, Array]) -> None:
    names = np.array([LAWS[seed % len(LAWS)] for seed, _ in sound])
    held = np.array([one["design"].held for _, one in sound])
    for name in LAWS:
        own = names == name
        others = ", ".join(
            f"{arm} {1 - np.median(width['design'][own] / width[arm][own]):.0%}"
            for arm in width
            if arm not in ("design", "before")
        )
        report(
            f"    {name:13} {own.sum():3d} studies, truth inside the design's {held[own].mean():.0%}; narrower than {others}"
        )


def _median_error(values: Array) -> float:
    """Standard error of a median, by resampling studies."""
    picks = np.random.default_rng(0).integers(len(values), size=(500, len(values)))
    return float(np.median(values[picks], axis=1).std())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else "", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first study")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="only this block, from 0")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    options = parser.parse_args()
    report = Report("next_runs")
    for line in (__doc__ or "").splitlines()[4:]:
        report(line)
    blocks = [
        ("forecast of the target, one run may cost the whole budget", options.studies, 1.0, False, ARMS),
        ("forecast of the target, one run at most a quarter of the budget", options.studies // 2, 0.25, False, ARMS),
        ("optimal size at the target's compute", options.studies // 4, 1.0, True, ("design", "draws", "lattice")),
    ]
    met = []
    with multiprocessing.Pool(options.processes) as pool:
        for i, (name, studies, share, plan, arms) in enumerate(blocks):
            if options.only not in (None, i):
                continue
            begun = time.perf_counter()
            work = partial(run_study, resamples=options.resamples, share=share, plan=plan, arms=arms)
            found = pool.map(work, range(options.first, options.first + studies), chunksize=5)
            report()
            report(f"{name}: {studies} studies, {options.resamples} resamples, {time.perf_counter() - begun:.0f} s")
            met.append(show(report, found, options.first))
    report()
    word = "met" if met[0] else "MISSED"
    report(f"target, design at least {NARROWER:.0%} narrower in the median than every other arm (first block): {word}")
    if options.write:
        report.write()


if __name__ == "__main__":
    main()
