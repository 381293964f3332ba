"""Ways to choose a law without seeing the larger runs, on simulated tables whose truth is known.

Tables are drawn from eight laws with their designs' constants moved at random, on random grids with heavy-tailed noise.
Each way chooses from the smaller runs and is scored against the true curve on the larger ones, once with the true law
among the candidates and once without it, for no published table comes from a law of any catalogue.

    python benchmarks/choosing.py [--tables 32] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from _board_scores import QUICK, entered
from _report import Report
from allometry.fits import Fit, fit
from allometry.forecasts import Backtest, tournament
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.runs import Runs, read_runs

LAWS = (
    "chinchilla", "overtraining", "kaplan", "kaplan_floor", "multiplicative", "skaling", "bounded_rational",
    "shifted_separable",
)  # fmt: skip
WORKERS, HELD, JITTER = 2, 0.7, 0.1
TRUE, FALSE = "true law among the candidates", "true law left out"
WAYS = (
    "always chinchilla", "by AICc", "smallest backtest error", "recommended", "recommended, at 68%", "equal shares",
    "stack", "hindsight",
)  # fmt: skip
ONE_ERROR = 0.68  # the simplest law within about one standard error of the best, instead of within the 90% interval

Array = np.ndarray
Errors = dict[str, dict[str, float]]


def simulated(name: str, seed: int) -> tuple[Runs, Runs, Array]:
    """Runs below the cut, those above it, and the true loss (m,) of the latter."""
    law, generator = find_law(name), np.random.default_rng([seed, 11])
    design = law.design
    assert design is not None
    constants = {key: value * np.exp(JITTER * generator.standard_normal()) for key, value in design.values.items()}
    lows, highs = ({axis: f(values) for axis, values in design.grid.items()} for f in (min, max))
    axes = {axis: np.geomspace(lows[axis], highs[axis], int(generator.integers(6, 9))) for axis in law.axes}
    n, d = (axis.ravel() for axis in np.meshgrid(axes["params"], axes["tokens"]))
    true = np.asarray(law.evaluate(constants, {"params": n, "tokens": d}), dtype=float)
    noise = generator.uniform(0.002, 0.01) * generator.standard_t(4, len(n)) / np.sqrt(2)
    runs = read_runs({"params": n, "tokens": d, "loss": true * np.exp(noise)})
    above = n * d > np.quantile(n * d, HELD)
    return runs.keep(~above, "held out"), runs.keep(above, "seen"), true[above]


def table(task: tuple[str, int]) -> Errors:
    """Mean |relative error| of each way on one simulated table, with and without its law among the candidates."""
    name, seed = task
    below, above, true = simulated(name, seed)
    tests = entered(below, [find_law(one) for one in LAWS if find_law(one).min_runs <= len(below)], "flops")
    fits = {test.law.name: fit(below, test.law, QUICK) for test in tests}
    columns = {axis: np.asarray(above.columns[axis], dtype=float) for axis in ("params", "tokens")}
    told = {one: np.log(np.asarray(found.predict(columns))) for one, found in fits.items()}
    return {
        label: _ways(some, {one: fits[one] for one in names}, {one: told[one] for one in names}, np.log(true))
        for label, names in ((TRUE, list(fits)), (FALSE, [one for one in fits if one != name]))
        if (some := [test for test in tests if test.law.name in names])
    }


def _ways(
    tests: Sequence[Backtest], fits: Mapping[str, Fit], told: Mapping[str, Array], true: Array
) -> dict[str, float]:
    found = tournament(tests)
    strict = tournament([replace(test, level=ONE_ERROR) for test in tests])
    error = {name: float(np.abs(np.expm1(value - true)).mean()) for name, value in told.items()}
    shares = {standing.law: standing.weight for standing in found.standings}
    stacked = np.sum([share * told[name] for name, share in shares.items()], axis=0)
    equal = np.mean([told[name] for name in shares], axis=0)
    best = min(fits, key=lambda name: _aicc(fits[name]))
    return {
        "always chinchilla": error.get("chinchilla", np.nan), "by AICc": error[best],
        "smallest backtest error": error[found.standings[0].law], "recommended": error[found.recommended],
        "recommended, at 68%": error[strict.recommended],
        "equal shares": float(np.abs(np.expm1(equal - true)).mean()),
        "stack": float(np.abs(np.expm1(stacked - true)).mean()), "hindsight": min(error.values()),
    }  # fmt: skip


def _aicc(found: Fit) -> float:
    """Of the least squares of the residuals, with one parameter for the noise."""
    rows, unknowns = len(found.residuals), len(found.law.parameters) + 1
    spread = rows * np.log(np.mean(np.asarray(found.residuals) ** 2))
    return float(spread + 2 * unknowns + 2 * unknowns * (unknowns + 1) / (rows - unknowns - 1))


def attempt(task: tuple[str, int]) -> Errors | str:
    """A table, or why it says nothing."""
    try:
        return table(task)
    except Refused as refused:
        return f"{task[0]}, seed {task[1]}: {refused.message}"


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--tables", type=int, default=32)
    asked.add_argument("--write", action="store_true")
    options = asked.parse_args()
    say, begun = Report("choosing"), time.perf_counter()
    tasks = [(LAWS[number % len(LAWS)], number) for number in range(options.tables)]
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        answers = pool.map(attempt, tasks, chunksize=1)
    for answer in answers:
        if isinstance(answer, str):
            say(f"left out: {answer}")
    found = [answer for answer in answers if not isinstance(answer, str)]
    for label in (TRUE, FALSE):
        say(f"{label}: |relative error| against the true curve of the larger runs, %, {len(found)} tables")
        say(f"{'':26s}{'mean':>8s}{'median':>8s}{'90th':>8s}{'worst':>8s}")
        for way in WAYS:
            values = 100 * np.array([errors[label][way] for errors in found])
            values = values[np.isfinite(values)]  # chinchilla is no candidate where it is the truth
            shown = (values.mean(), np.median(values), np.quantile(values, 0.9), values.max())
            say(f"{way:26s}" + "".join(f"{value:8.2f}" for value in shown))
    say(f"{time.perf_counter() - begun:.0f} s on {WORKERS} processes")
    if options.write:
        say.write()


if __name__ == "__main__":
    main()
