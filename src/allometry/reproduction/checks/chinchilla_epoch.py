"""Besiroglu et al. 2024 (arXiv 2404.10102): what their 240 runs say of Hoffmann et al.'s parametric fit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from allometry.fits import Asymmetric, Fit, Huber, Objective, Settings, fit
from allometry.plans import optimal_params
from allometry.reproduction.check import Check, differs, measured, published
from allometry.reproduction.measures import spread
from allometry.runs import read_runs

DELTA = 1e-3  # of the Huber loss in log loss, as Hoffmann et al. and the notebook have it
PRINTED = {"E": 1.81686, "A": 482.00572, "alpha": 0.34781, "B": 2085.43420, "beta": 0.36585}
PRINTED_LOGS = {"E": 0.59711196, "A": 6.17795598, "alpha": 0.34781303, "B": 7.64273236, "beta": 0.36585412}
STRETCH = (
    "their likelihood divides residuals by a fitted scale of exp(-12.27): in effect a fit of least absolute deviation"
)
CHINCHILLA_FLOPS, LOWEST_FLOPS = 5.76e23, 1e18


@cache
def _fit(path: Path, objective: Objective, bootstrap: int = 0, where: str | None = "excluded_by_epoch == 0") -> Fit:
    return fit(read_runs(path, where=where), "chinchilla", Settings(objective=objective, bootstrap=bootstrap))


def _resampled(path: Path) -> Fit:
    return _fit(path, Huber(DELTA), bootstrap=4000)


def _optimal_params(found: Fit, flops: float) -> np.ndarray:
    """N* of the estimate and of every draw (1 + B,)."""
    return optimal_params(flops, {})(found.law, np.concatenate([found.estimate[None], found.draws]))


def huber_fit(path: Path) -> Iterator[Check]:
    """The notebook's grid of BFGS starts on 240 runs: each parameter and the objective that it printed."""
    found = _resampled(path)
    printed = {"E": 1.817235504, "A": 477.8417125, "alpha": 0.3473126576, "B": 2143.863788, "beta": 0.3671826174}
    within = {"E": 3e-5, "A": 0.05, "alpha": 5e-6, "B": 0.6, "beta": 2e-5}
    for name, value in printed.items():
        yield published(name, found.values[name], value, within[name], "their BFGS stopped just short of the minimum")
    yield published("objective", found.objective, 0.0010182740346, 1e-10)


def paper_constants(path: Path) -> Iterator[Check]:
    """The paper's constants are those of least absolute deviation on the same rows."""
    found = _fit(path, Asymmetric(1.0))
    within = {"E": 3e-5, "A": 0.1, "alpha": 1e-5, "B": 0.5, "beta": 1e-5}
    for name, value in PRINTED.items():
        yield published(name, found.values[name], value, within[name], STRETCH)
    yield measured("sum of absolute residuals", float(np.abs(found.residuals).sum()), 1.129495, 1e-6)


def paper_constants_are_no_huber_fit(path: Path) -> Iterator[Check]:
    """The Huber fit that the paper describes has other constants, and a lower objective than the paper's have."""
    found = _resampled(path)
    why = f"the data's Huber fit at delta 1e-3 is ours; {STRETCH}"
    yield differs("A", found.values["A"], PRINTED["A"], 477.83, 0.05, why)
    yield differs("B", found.values["B"], PRINTED["B"], 2143.4, 0.2, why)
    constants = {name: value if name in ("alpha", "beta") else np.exp(value) for name, value in PRINTED_LOGS.items()}
    residuals = np.log(found.law.evaluate(constants, found.rows.axes)) - np.log(found.rows.target)
    objective = Huber(DELTA).loss(residuals).sum()
    yield measured("objective at the paper's constants", objective, 0.0010186447, 1e-10, "the minimum is 0.0010182740")


def standard_errors(path: Path) -> Iterator[Check]:
    """4,000 resamples of the rows, each refitted; within 10%, for the two programs draw different resamples."""
    found = _resampled(path)
    printed = {"A": 124.52232, "B": 1293.28410, "E": 0.02566, "alpha": 0.01540, "beta": 0.02060}
    ours = spread(found)
    for name, value in printed.items():
        yield published(f"standard error of {name}", ours[name], value, 0.1 * value)
    logs = dict(zip(found.law.parameter_names, np.log(found.draws).std(axis=0), strict=True))
    for name, value in {"A": 0.258, "B": 0.421, "E": 0.014}.items():
        yield published(f"standard error of log {name}", logs[name], value, 0.1 * value)


def intervals(path: Path) -> Iterator[Check]:
    """95% percentile intervals of the same resamples, each end within a tenth of the interval's width."""
    found = _resampled(path)
    printed = {"A": (285.214, 743.626), "B": (1042.357, 5810.344), "E": (1.769, 1.871), "alpha": (0.317, 0.373), "beta": (0.331, 0.415)}  # fmt: skip
    for name, ends in printed.items():
        ours = np.quantile(found.draws[:, found.law.parameter_names.index(name)], [0.025, 0.975])
        for end, value, figure in zip(("low", "high"), ours, ends, strict=True):
            yield published(f"{name}, {end} end", value, figure, 0.1 * (ends[1] - ends[0]))


def allocation(path: Path) -> Iterator[Check]:
    """How the best size grows with compute, N* ~ C**a with a = beta / (alpha + beta), and its tokens per parameter."""
    huber, paper = _resampled(path), _fit(path, Asymmetric(1.0))
    slopes = [
        np.log10(_optimal_params(f, 10 * CHINCHILLA_FLOPS) / _optimal_params(f, CHINCHILLA_FLOPS))
        for f in (paper, huber)
    ]
    yield published("exponent a", slopes[0][0], 0.513, 6e-4)
    draws = slopes[1][1:]
    yield published("standard error of a", draws.std(), 0.020, 0.002)
    yield published("width of the 80% interval of a", np.subtract(*np.quantile(draws, [0.9, 0.1])), 0.051, 0.005)
    yield measured("exponent a of the Huber fit", slopes[1][0], 0.5139, 1e-4)
    why = "printed as the ratio at Chinchilla's compute, but the look-up of it ends at the grid's lowest budget, 1e18 FLOPs"
    lowest, chinchilla = (
        (flops / 6 / _optimal_params(paper, flops)[0] ** 2) for flops in (LOWEST_FLOPS, CHINCHILLA_FLOPS)
    )
    yield published("tokens per parameter at 1e18 FLOPs", lowest, 25.66, 0.05, f"{why}; theirs is a median of draws")
    yield differs("tokens per parameter at 5.76e23 FLOPs", chinchilla, 25.66, 18.34, 0.01, why)


def all_rows(path: Path) -> Iterator[Check]:
    """With the five runs of highest loss the data exponent is another."""
    found = _fit(path, Huber(DELTA), where=None)
    given = {"E": 1.8913, "A": 495.7, "alpha": 0.3493, "B": 12845.6, "beta": 0.4531}
    within = {"E": 1e-4, "A": 0.1, "alpha": 1e-4, "B": 1.0, "beta": 1e-4}
    for name, value in given.items():
        yield measured(name, found.values[name], value, within[name])
    yield measured("objective", found.objective, 0.0018260, 5e-8)
