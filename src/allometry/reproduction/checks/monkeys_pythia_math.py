"""Repeated sampling on MATH (Brown et al. 2024, arXiv 2407.21787; Schaeffer et al. 2025, arXiv 2502.17578): pass@k."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from allometry.fits import Settings, Squared, fit
from allometry.laws import find_law
from allometry.reproduction.check import Check, measured, published
from allometry.reproduction.measures import Array, numbers
from allometry.runs import Rows, Runs, pass_at_k, read_runs

LEAST_SQUARES = Settings(objective=Squared(), space="log", bootstrap=0)
DRAWN = 10_000
# problem and its pass@100 in the source; mean pass@1, @100 and @10000 over the problems; exponent of the power law
GIVEN = {
    "Pythia 12B": (82, 0.7087746130620194, (0.02319, 0.4834, 0.8750), 0.371),
    "Pythia 6.9B": (82, 0.789816757832567, (0.01856, 0.4316, 0.8359), 0.351),
    "Pythia 2.8B": (82, 0.8713879838577354, (0.02031, 0.4220, 0.8125), 0.339),
    "Pythia 1B": (82, 0.3382677806451261, (0.00833, 0.2745, 0.7422), 0.313),
    "Pythia 410M": (82, 0.1313341102729314, (0.00622, 0.2272, 0.6562), 0.287),
    "Pythia 160M": (82, 0.06795443158120851, (0.00267, 0.1619, 0.5703), 0.282),
    "Pythia 70M": (82, 0.07728141615459783, (0.00065, 0.0361, 0.2656), 0.192),
}


def one_problem(path: Path) -> Iterator[Check]:
    """The source's own pass@100 of one problem for each model, by the unbiased estimator."""
    for model, (problem, score, _, _) in GIVEN.items():
        row = _runs(path).where(f"model == '{model}' and problem == {problem}")
        ours = pass_at_k(DRAWN, numbers(row, "samples_correct"), 100)[0]
        yield published(f"pass@100 of problem {problem}, {model}", ours, score, 1e-10)


def coverage(path: Path) -> Iterator[Check]:
    """pass@k averaged over the 128 problems."""
    for model, (_, _, figures, _) in GIVEN.items():
        for k, given in zip((1, 100, DRAWN), figures, strict=True):
            yield measured(f"mean pass@{k}, {model}", _mean_pass(path, model, np.array([k]))[0], given, 6e-5)


def power_law(path: Path) -> Iterator[Check]:
    """-log(mean pass@k) = a * k**-b by least squares in logarithms on numbers of samples spaced evenly there."""
    samples = np.unique(np.round(np.geomspace(1, DRAWN, 40)))
    law = find_law("a * samples**-b", metric="log_miss")
    for model, (*_, exponent) in GIVEN.items():
        rows = Rows({"samples": samples}, -np.log(_mean_pass(path, model, samples)), "log_miss")
        yield measured(f"exponent b, {model}", fit(rows, law, LEAST_SQUARES).values["b"], exponent, 6e-4)


@cache
def _runs(path: Path) -> Runs:
    return read_runs(path, rows="all")


def _mean_pass(path: Path, model: str, samples: Array) -> Array:
    correct = numbers(_runs(path).where(f"model == '{model}'"), "samples_correct")
    return pass_at_k(DRAWN, correct[:, None], samples).mean(axis=0)
