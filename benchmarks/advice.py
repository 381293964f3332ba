"""How often `allometry advise` cries wolf on clean synthetic ladders, and how often it sees a fault that was put in.

    python benchmarks/advice.py [--tables 100] [--write]

The truth is the law of Besiroglu et al. 2024, the noise normal in the logarithm of the loss. Five designs take turns:
a grid with repeats, a grid without, isoFLOP sweeps, fixed ratios of tokens to parameters, and a grid on which the
learning rate was swept although it makes no difference. Nothing is wrong with any of them, so each finding of the
level "advice" or "warning" is a false alarm. Then one fault is put into such tables, and found or not.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from scipy.stats import beta

from _report import Report
from allometry.advice import Finding, Study, advise, default_settings
from allometry.costs import rule_partner
from allometry.laws import find_law
from allometry.runs import read_runs

LAW = find_law("chinchilla")
TRUTH = np.array([LAW.published["epoch"].values[name] for name in LAW.parameter_names])
LOWEST, HIGHEST = 0.003, 0.008  # noise of one run, relative
Columns = dict[str, np.ndarray]
Design = Callable[[np.random.Generator], Columns]


def _crossed(rng: np.random.Generator) -> Columns:
    sizes = np.geomspace(5e7, 10 ** rng.uniform(9, 10), rng.integers(5, 8))
    tokens = np.geomspace(1e9, 10 ** rng.uniform(10.5, 11.5), rng.integers(4, 8))
    params, seen = (axis.ravel() for axis in np.meshgrid(sizes, tokens))
    return {"params": params, "tokens": seen}


def grid(rng: np.random.Generator) -> Columns:
    """Sizes by token budgets, a quarter of the settings run twice or three times."""
    once = _crossed(rng)
    count = len(once["params"])
    again = rng.choice(count, size=max(6, count // 4))
    return {name: np.concatenate([column, column[again]]) for name, column in once.items()}


def single(rng: np.random.Generator) -> Columns:
    """Sizes by token budgets, each setting once."""
    return _crossed(rng)


def isoflop(rng: np.random.Generator) -> Columns:
    """Seven sizes around the optimum at each of five or six budgets."""
    budgets = np.geomspace(1e18, 1e21, rng.integers(5, 7))
    flops, factor = (axis.ravel() for axis in np.meshgrid(budgets, np.geomspace(0.25, 4, 7)))
    params = factor * np.sqrt(flops / (6 * 20))
    return {"params": params, "tokens": rule_partner(flops, params)}


def ratios(rng: np.random.Generator) -> Columns:
    """Six sizes at five ratios of tokens to parameters, some twice."""
    sizes, ratio = (axis.ravel() for axis in np.meshgrid(np.geomspace(3e7, 3e9, 6), [5, 20, 40, 80, 320]))
    again = rng.choice(len(sizes), size=8, replace=False)
    sizes, ratio = np.append(sizes, sizes[again]), np.append(ratio, ratio[again])
    return {"params": sizes, "tokens": sizes * ratio}


def swept(rng: np.random.Generator) -> Columns:
    """A grid with three learning rates at each setting, none better than another."""
    once = _crossed(rng)
    rates = np.repeat([1e-3, 2e-3, 4e-3], len(once["params"]))
    return {**{name: np.tile(column, 3) for name, column in once.items()}, "lr": rates}


DESIGNS: tuple[Design, ...] = (grid, single, isoflop, ratios, swept)


def ladder(design: Design, seed: int) -> Columns:
    """The columns of one clean table."""
    rng = np.random.default_rng([2024, seed])
    columns = design(rng)
    exact = LAW.evaluate(TRUTH, {name: columns[name] for name in LAW.axes})
    noise = rng.normal(0, rng.uniform(LOWEST, HIGHEST), len(exact))
    return {**columns, "loss": exact * np.exp(noise)}


def bad_rows(columns: Columns, rng: np.random.Generator) -> Columns:
    """Three rows of the largest runs 5 to 20% too high."""
    largest = np.argsort(columns["params"] * columns["tokens"])[-8:]
    hit = rng.choice(largest, size=3, replace=False)
    loss = columns["loss"].copy()
    loss[hit] *= rng.uniform(1.05, 1.2, 3)
    return {**columns, "loss": loss}


def untuned(columns: Columns, rng: np.random.Generator) -> Columns:
    """Three learning rates, the best one falling with size, 3% for each factor of two squared."""
    rates = np.repeat([1e-3, 2e-3, 4e-3], len(columns["params"]))
    tripled = {name: np.tile(column, 3) for name, column in columns.items()}
    best = 2e-3 * (tripled["params"] / 1e9) ** -0.2
    worse = np.exp(0.03 * np.log2(rates / best) ** 2)
    return {**tripled, "lr": rates, "loss": tripled["loss"] * worse * np.exp(rng.normal(0, 0.003, len(rates)))}


def two_counts(columns: Columns, rng: np.random.Generator) -> Columns:
    """FLOPs of a third of the rows with attention, x1.25, the others 6ND."""
    flops = 6 * columns["params"] * columns["tokens"]
    return {**columns, "flops": np.where(rng.random(len(flops)) < 1 / 3, 1.25 * flops, flops)}


def twice(columns: Columns, rng: np.random.Generator) -> Columns:
    """Five rows entered twice."""
    again = rng.choice(len(columns["loss"]), size=5, replace=False)
    return {name: np.concatenate([column, column[again]]) for name, column in columns.items()}


def bend(columns: Columns, rng: np.random.Generator) -> Columns:
    """Runs below 1e18 to 3e18 FLOPs above the law by 3% a decade."""
    compute = 6 * columns["params"] * columns["tokens"]
    edge = np.quantile(compute, 0.3) * rng.uniform(1, 2)
    return {**columns, "loss": columns["loss"] * np.exp(0.03 * np.maximum(np.log10(edge / compute), 0))}


FAULTS: dict[Callable[[Columns, np.random.Generator], Columns], set[str]] = {
    bad_rows: {"few-rows-decide", "above-the-curve"},
    untuned: {"under-tuned"},
    two_counts: {"mixed-conventions"},
    twice: {"duplicates"},
    bend: {"small-runs"},
}


def findings(columns: Columns, seed: int) -> list[Finding]:
    """All above a note."""
    study = Study(read_runs(columns), LAW, default_settings(seed))
    return [finding for finding in advise(study).findings if finding.level != "note"]


def clean(report: Report, count: int) -> None:
    alarms, codes, rows, started = Counter[str](), Counter[str](), list[int](), time.process_time()
    tables = Counter[str]()
    for seed in range(count):
        design = DESIGNS[seed % len(DESIGNS)]
        columns = ladder(design, seed)
        found = findings(columns, seed)
        rows.append(len(columns["loss"]))
        tables[design.__name__] += 1
        alarms[design.__name__] += bool(found)
        codes.update(finding.code for finding in found)
    spent = (time.process_time() - started) / count
    total = alarms.total()
    most = float(beta.ppf(0.95, total + 1, count - total))
    report()
    report("Clean synthetic ladders: tables with any finding above a note (each is a false alarm).")
    report(f"{count} tables of {min(rows)} to {max(rows)} rows, noise {LOWEST:.1%} to {HIGHEST:.1%} of the loss")
    report()
    report(f"{'design':10} {'tables':>6} {'alarms':>6}")
    for name, number in tables.items():
        report(f"{name:10} {number:6} {alarms[name]:6}")
    report(f"{'all':10} {count:6} {total:6}   rate {total / count:.1%}, 95% sure below {most:.1%} (asked: under 5%)")
    report("by finding: " + (", ".join(f"{code} {number}" for code, number in codes.most_common()) or "none"))
    report(f"CPU time a table: {spent:.2f} s")


def faulty(report: Report, count: int) -> None:
    report()
    report(f"The same with one fault each, {count} tables of the design `grid` or `ratios` a fault.")
    report()
    report(f"{'fault':10} {'found':>6} {'others':>6}   what it is")
    for fault, wanted in FAULTS.items():
        found = others = 0
        for seed in range(1000, 1000 + count):
            columns = fault(ladder((grid, ratios)[seed % 2], seed), np.random.default_rng([7, seed]))
            told = {finding.code for finding in findings(columns, seed)}
            found += bool(told & wanted)
            others += bool(told - wanted)
        report(f"{fault.__name__:10} {found:6} {others:6}   {(fault.__doc__ or '').strip()}")
    report("others: tables with a further finding above a note, which a real fault may well bring with it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="keep the result in results/advice.txt")
    chosen = parser.parse_args()
    report = Report("advice")
    clean(report, chosen.tables)
    faulty(report, max(1, chosen.tables // 5))
    if chosen.write:
        report.write()


if __name__ == "__main__":
    main()
