"""Li et al. 2025 (arXiv 2503.04715): Step Law's constants are the means of the authors' thousand bootstrap fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allometry.laws import find_law
from allometry.laws import published as constants_of
from allometry.reproduction.check import Check, measured, published
from allometry.reproduction.measures import Array, numbers
from allometry.runs import read_runs

KEY = "steplaw"
POINT = {"params": 7e9, "tokens": 1.4e12}
# law, its parameter, the column, the power's sign in the formula, and half a unit of the last printed digit
MEANS = (
    ("step_learning_rate", "a", "lr_coefN", -1, 5e-4),
    ("step_learning_rate", "b", "lr_coefD", 1, 5e-4),
    ("step_batch", "b", "bs_coefD", 1, 5e-4),
)
SCALES = (("step_learning_rate", "lr_intercept", 1e-2), ("step_batch", "bs_intercept", 1e-3))
INTERVALS = {"lr_coefN": (-0.774, -0.655), "lr_coefD": (0.271, 0.345), "bs_coefD": (0.534, 0.606)}


def means(path: Path) -> Iterator[Check]:
    """Mean exponents, and the exponential of the mean intercept."""
    fits = _fits(path)
    for law, parameter, column, sign, within in MEANS:
        printed = constants_of(f"{law}@{KEY}")[1].values[parameter]
        yield published(f"{law}, {parameter}", sign * fits[column].mean(), printed, within)
    for law, column, within in SCALES:
        printed = constants_of(f"{law}@{KEY}")[1].values["A"]
        why = "printed with its digits cut, not rounded" if law == "step_learning_rate" else ""
        yield published(f"{law}, A", _scale(fits, column), printed, within, why)


def intervals(path: Path) -> Iterator[Check]:
    """95% percentile intervals of the fits."""
    fits = _fits(path)
    for column, given in INTERVALS.items():
        for end, ours, value in zip(("low", "high"), np.quantile(fits[column], [0.025, 0.975]), given, strict=True):
            yield measured(f"{column}, {end} end", ours, value, 6e-4)


def seven_billion(path: Path) -> Iterator[Check]:
    """What the mean constants say of 7 billion parameters and 1.4 trillion tokens, the authors' own example."""
    fits = _fits(path)
    rate = {"A": _scale(fits, "lr_intercept"), "a": -fits["lr_coefN"].mean(), "b": fits["lr_coefD"].mean()}
    batch = {"A": _scale(fits, "bs_intercept"), "b": fits["bs_coefD"].mean()}
    yield measured("learning rate", find_law("step_learning_rate").evaluate(rate, POINT)[0], 9.347e-4, 1e-7)
    yield measured("batch in tokens", find_law("step_batch").evaluate(batch, POINT)[0], 4.997e6, 1e3)


def _fits(path: Path) -> dict[str, Array]:
    runs = read_runs(path)
    return {name: numbers(runs, name) for name in runs.columns}


def _scale(fits: dict[str, Array], column: str) -> float:
    return float(np.exp(fits[column].mean()))
