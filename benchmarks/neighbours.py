"""Approximate nearest neighbours: recall against exact search, and what a query costs as the pool grows.

python benchmarks/neighbours.py [--write] [--width 16]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from _report import Report
from allometry.data.neighbours import Settings, neighbours
from allometry.data.pools import open_pool
from allometry.fits import Settings as FitSettings
from allometry.fits import fit
from allometry.laws import find_law
from allometry.runs import read_runs

ROWS = (1000, 2000, 4000, 8000, 16_000, 32_000)
SEARCHES = (16, 64)  # candidates kept while searching
COUNT = 10
LAWS = {"index_search": "a + b * log(examples)", "power": "A * examples**b"}
METRIC = "distance_computations"


def main() -> None:
    options = _options()
    report = Report("neighbours")
    report(
        f"Gaussian vectors of {options.width} numbers, cosine, {COUNT} neighbours, 16 links a node; recall: [90% interval]"
    )
    report("    rows  expansion  recall                  distances a query  seconds")
    table: dict[str, list[float]] = {"examples": [], METRIC: []}
    for rows in ROWS:
        vectors = np.random.default_rng(0).standard_normal((rows, options.width), dtype=np.float32)
        for search in SEARCHES:
            began = time.perf_counter()
            found = neighbours(
                open_pool({"embeddings": vectors}), COUNT, settings=Settings(16, 128, search), exact=False
            )
            recall = found.recall
            report(f"{rows:8,} {search:10}  {recall.value:.4f} [{recall.low:.4f}, {recall.high:.4f}]  "
                   f"{found.computed:17.0f}  {time.perf_counter() - began:7.1f}")  # fmt: skip
            if search == SEARCHES[-1]:
                table["examples"].append(rows)
                table[METRIC].append(found.computed)
    report(f"\ndistances a query against rows, expansion {SEARCHES[-1]}")
    for name, formula in LAWS.items():
        law = name if name == "index_search" else find_law(formula, axes=["examples"], metric=METRIC)
        told = fit(read_runs(table, fewest=1), law, FitSettings(bootstrap=0, space="identity"), target=METRIC)
        values = np.array(table[METRIC])
        left = 1 - np.sum(np.square(told.residuals)) / np.sum(np.square(values - values.mean()))
        report(
            f"{name:12} {formula:20} R^2 {left:.4f}  "
            + ", ".join(f"{k} = {v.value:.4g}" for k, v in told.parameters.items())
        )
    if options.write:
        report.write()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
