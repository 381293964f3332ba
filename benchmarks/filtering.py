"""Quality pools with planted truth: constants and unions never trained on, and what choosing by compute is worth.

Each repeat draws uses, half-lives, scale and floor of three pools, ten runs on each pool alone with noise in the
logarithm of the error, and fits them together. Judged are the intervals of the constants, the predicted error of the
four unions that were never trained, and the choice of pools at budgets from a quarter of a pool to ten of them, beside
always the best pool and always all of them, by their true errors.

Then how sure a choice of pools is called where there is none to make, and the choice among several ways of pruning:
tables of five metrics, of which none differs from random, or one errs a tenth or three tenths less; how often the best
of them is said to beat random, by an interval for all at once and by its own draws alone.

    python benchmarks/filtering.py [--repeats 20] [--tables 40] [--noise 0.005] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from itertools import combinations

import numpy as np
from scipy.optimize import brentq

from _report import Report
from allometry.data.filtering import best_pools, compare_pruning, fit_pools, read_pools
from allometry.fits import Settings
from allometry.laws import find_law

LAW, SIZE = find_law("quality_mixture:3"), 1.28e7
SEEN, BUDGETS = np.geomspace(8e5, 1.28e8, 10), np.geomspace(SIZE / 4, SIZE * 10, 12)
NAMES = ("one", "two", "three")
UNIONS = [each for count in (1, 2, 3) for each in combinations(range(3), count)]


def truth_of(moved: np.random.Generator) -> dict[str, float]:
    uses = -0.32 + np.cumsum([0, *moved.uniform(0.01, 0.06, 2)])
    halves = moved.uniform(1.5, 6.0, 3)
    return {
        "a": moved.uniform(0.1, 0.5), "d": moved.uniform(0.05, 0.15), **{f"b_{i + 1}": uses[i] for i in range(3)},
        **{f"kept_{i + 1}": 0.5 ** (1 / halves[i]) for i in range(3)},
    }  # fmt: skip


def error(truth: dict[str, float], union: tuple[int, ...], seen: np.ndarray) -> np.ndarray:
    shares = {f"share_{i + 1}": (i in union) / len(union) for i in range(3)}
    return LAW.evaluate(truth, {"examples": seen, "pool_samples": SIZE * len(union), **shares})


def one_repeat(seed: int, noise: float) -> dict[str, list[float]]:
    moved = np.random.default_rng(seed)
    truth = truth_of(moved)
    table = {
        "pool": [NAMES[i] for i in range(3) for _ in SEEN], "examples": np.tile(SEEN, 3), "pool_samples": np.full(30, SIZE),
        "error": np.concatenate([error(truth, (i,), SEEN) * np.exp(moved.normal(0, noise, 10)) for i in range(3)]),
    }  # fmt: skip
    found = fit_pools(read_pools(table), Settings(bootstrap=300, seed=seed))
    told: dict[str, list[float]] = {"utility": [], "half-life": [], "unseen": [], "right": [], "sure": []}
    told |= {"chosen": [], "best pool": [], "all pools": []}
    for i, name in enumerate(NAMES):
        utility, half = found.utilities[name], found.half_lives[name]
        told["utility"].append(utility.low <= truth[f"b_{i + 1}"] <= utility.high)
        told["half-life"].append(half.low <= np.log(0.5) / np.log(truth[f"kept_{i + 1}"]) <= half.high)
    for union in UNIONS[3:]:
        predicted = found.error(tuple(NAMES[i] for i in union), BUDGETS)[0]
        told["unseen"] += np.abs(predicted / error(truth, union, BUDGETS) - 1).tolist()
    for budget in BUDGETS:
        at = {"+".join(NAMES[i] for i in union): error(truth, union, np.array([budget]))[0] for union in UNIONS}
        least = min(at.values())
        choice = best_pools(found, budget)
        told["right"].append(at[choice.best] == least)
        told["sure"].append(choice.wins[choice.best])
        told["chosen"].append(at[choice.best] / least - 1)
        told["best pool"].append(at[NAMES[0]] / least - 1)
        told["all pools"].append(at["+".join(NAMES)] / least - 1)
    return told


def arms_told(tables: int, better: float) -> tuple[float, float, float]:
    """Of so many tables the share in which the best arm is said to beat random, in which its own draws alone would say
    so, and in which any arm is told apart from random."""
    said = np.zeros(3)
    sizes, names = np.repeat(np.geomspace(1e3, 1e5, 5), 3), ["random", *(f"m{i}" for i in range(5))]
    for seed in range(tables):
        moved = np.random.default_rng(seed)
        errors = [
            (0.02 + 5 * sizes**-0.5) * (better if name == "m2" else 1.0) * np.exp(moved.normal(0, 0.03, 15))
            for name in names
        ]
        table = {"metric": np.repeat(names, 15), "examples": np.tile(sizes, 6), "error": np.concatenate(errors)}
        found = compare_pruning(table, 1e5, settings=Settings(bootstrap=300, starts=16))
        chosen = next((arm for arm in found.arms if arm.name == found.best), None)
        told = any(arm.ahead in ("metric", "random") for arm in found.arms)
        said += (
            chosen is not None and chosen.ahead == "metric",
            chosen is not None and (chosen.better or 0) > 0.95,
            told,
        )
    return tuple(said / tables)


def tied(tables: int, noise: float) -> tuple[float, float, float]:
    """At the budget where the best pool and its unions with either of two others are truly equal: the share of tables in
    which the gain over the best pool is told from nothing, in which one choice is best in 90% of the draws, and the
    mean gain that is told, relative to the error."""
    truth = {"a": 0.3, "d": 0.1, "b_1": -0.3, "b_2": -0.27, "b_3": -0.27, "kept_1": 0.7, "kept_2": 0.8, "kept_3": 0.8}
    logs = np.log([SIZE / 2, SIZE * 10])
    turn = float(
        np.exp(brentq(lambda log: (error(truth, (0,), np.exp([log])) - error(truth, (0, 1), np.exp([log])))[0], *logs))
    )
    said = np.zeros(3)
    for seed in range(tables):
        moved = np.random.default_rng(seed)
        errors = [error(truth, (i,), SEEN) * np.exp(moved.normal(0, noise, 10)) for i in range(3)]
        table = {"pool": np.repeat(NAMES, 10), "examples": np.tile(SEEN, 3), "pool_samples": np.full(30, SIZE),
                 "error": np.concatenate(errors)}  # fmt: skip
        found = best_pools(fit_pools(read_pools(table), Settings(bootstrap=300, seed=seed, starts=32)), turn)
        said += (
            (found.gain.low or 0) > 0,
            max(found.wins.values()) >= 0.9,
            (found.gain.value or 0) / found.errors[found.best].value,
        )
    return tuple(said / tables)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=20)
    options.add_argument("--tables", type=int, default=40)
    options.add_argument("--noise", type=float, default=0.005)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    report = Report("filtering")
    every = [one_repeat(seed, asked.noise) for seed in range(asked.repeats)]
    joined = {name: np.array([value for one in every for value in one[name]], dtype=float) for name in every[0]}
    report(f"{asked.repeats} repeats, 3 pools, 10 runs each, noise {asked.noise:g}; {len(BUDGETS)} budgets")
    report()
    report(f"planted utilities in their 90% intervals   {joined['utility'].mean():.1%} of {len(joined['utility'])}")
    report(f"planted half-lives in their 90% intervals  {joined['half-life'].mean():.1%} of {len(joined['half-life'])}")
    unseen = joined["unseen"]
    report(
        f"error of unions never trained on, relative  mean {unseen.mean():.2%}, largest {unseen.max():.2%}, within 2%: {np.mean(unseen < 0.02):.1%}"
    )
    report(
        f"best pools named rightly                   {joined['right'].mean():.1%} of {len(joined['right'])}; by share of draws {joined['sure'].mean():.1%}"
    )
    report()
    report("error above the least that can be had, relative, over all budgets")
    for name in ("chosen", "best pool", "all pools"):
        label = {"chosen": "chosen by compute", "best pool": "always the best pool", "all pools": "always all pools"}[
            name
        ]
        report(f"  {label:24}mean {joined[name].mean():7.2%}  largest {joined[name].max():7.2%}")
    report()
    gain, sure, size = tied(asked.tables, asked.noise)
    report(f"{asked.tables} tables at the budget where the best pool and two of its unions are equal")
    report(
        f"gain over the best pool told from nothing {gain:.1%}, one choice best in 90% of draws {sure:.1%}, mean gain told {size:.2%}"
    )
    report()
    report(f"{asked.tables} tables of pruning, five metrics, five sizes of three runs, noise 0.03, at the largest size")
    report("errs, of random's    best said to beat random   by its own draws alone   any told apart from random")
    for better, label in ((1.0, "none less"), (0.9, "one 90%"), (0.7, "one 70%")):
        at_once, alone, told = arms_told(asked.tables, better)
        report(f"{label:20}{at_once:23.1%}{alone:25.1%}{told:29.1%}")
    if asked.write:
        report.write()


if __name__ == "__main__":
    main()
