"""Quality pools with planted truth: constants and unions never trained on, and what choosing by compute is worth.

Each repeat draws uses, half-lives, scale and floor of three pools, ten runs on each pool alone with noise in the
logarithm of the error, and fits them together. Judged are the intervals of the constants, the predicted error of the
four unions that were never trained, and the choice of pools at budgets from a quarter of a pool to ten of them, beside
always the best pool and always all of them, by their true errors.

    python benchmarks/filtering.py [--repeats 20] [--noise 0.005] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from itertools import combinations

import numpy as np

from _report import Report
from allometry.data.filtering import best_pools, fit_pools, read_pools
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


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=20)
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
    if asked.write:
        report.write()


if __name__ == "__main__":
    main()
