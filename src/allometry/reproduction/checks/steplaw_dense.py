"""Li et al. 2025 (arXiv 2503.04715), Step Law: its published constants as a predictor, and what its own table gives."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit, Settings, Squared, fit
from allometry.laws import published as constants_of
from allometry.reproduction.check import Check, differs, measured
from allometry.reproduction.measures import Array, numbers
from allometry.runs import Rows, read_runs

Index = NDArray[np.intp]
LAWS = ("step_learning_rate", "step_batch")
KEY = "steplaw"
NEAR = 1.0025  # the authors keep the runs of a cell whose loss is at most this many times its least
QUANTILE_NOISE = 0.013  # two standard errors of the difference of two 2.5% quantiles of 1,000 draws
MEANS = (
    "the published constants are means of the authors' bootstrap fits, and no subset of the released table gives them"
)
# law and parameter, which stands in the formula as a power with this sign; then what the near-best runs give, the 95%
# interval of that, and what the best runs alone give
EXPONENTS = {
    "params, learning rate": ("step_learning_rate", "a", -1, -0.766, (-0.877, -0.665), -0.823),
    "tokens, learning rate": ("step_learning_rate", "b", 1, 0.197, (0.136, 0.262), 0.288),
    "tokens, batch": ("step_batch", "b", 1, 0.613, (0.537, 0.687), 0.498),
}


class Cells(NamedTuple):
    """The sweep: each run's columns and loss (n,), and the row numbers of each cell of params and tokens."""

    columns: dict[str, Array]
    loss: Array
    rows: list[Index]

    def best(self) -> Index:
        return np.array([rows[np.argmin(self.loss[rows])] for rows in self.rows])

    def near_best(self) -> Index:
        return np.concatenate([rows[self.loss[rows] <= NEAR * self.loss[rows].min()] for rows in self.rows])


def published_constants_as_predictor(path: Path) -> Iterator[Check]:
    """In each cell, the loss of the run nearest to the predicted rate and batch against that of the best run."""
    cells = _cells(path)
    away = np.hypot(*(_log_distance(cells, name) for name in LAWS))
    nearest = np.array([rows[np.argmin(away[rows])] for rows in cells.rows])
    gaps = 100 * (cells.loss[nearest] / cells.loss[cells.best()] - 1)
    why = "theirs is over their own test sets, ours over all 17 cells of the released table"
    yield differs("mean gap to the best loss, %", gaps.mean(), 0.09, 0.0957, 5e-5, why)
    yield measured("median gap to the best loss, %", np.median(gaps), 0.067, 5e-4)
    yield measured("largest gap to the best loss, %", gaps.max(), 0.310, 5e-4)


def refit_of_near_best_runs(path: Path) -> Iterator[Check]:
    """The released rule: runs within 0.25% of their cell's least loss, least squares in logarithms."""
    yield measured("runs that the rule keeps", len(_cells(path).near_best()), 129, 0)
    for name, (law, parameter, sign, given, _, _) in EXPONENTS.items():
        ours = sign * _near_best_fit(path, law).values[parameter]
        yield differs(f"exponent of {name}", ours, _published(law, parameter, sign), given, 6e-4, MEANS)


def intervals_of_that_refit(path: Path) -> Iterator[Check]:
    """95% intervals over 1,000 resamples: the published exponent of tokens in the learning rate lies outside."""
    for name, (law, parameter, sign, _, ends, _) in EXPONENTS.items():
        found = _near_best_fit(path, law).parameters[parameter]
        ours = sorted((sign * (found.low or 0.0), sign * (found.high or 0.0)))
        theirs = _published(law, parameter, sign)
        inside = "inside" if ours[0] <= theirs <= ours[1] else "outside"
        for end, value, given in zip(("low", "high"), ours, ends, strict=True):
            why = f"the published exponent {theirs:g} is {inside}; resamples differ between programs"
            yield measured(f"exponent of {name}, {end} end", value, given, QUANTILE_NOISE, why)


def refit_of_best_runs(path: Path) -> Iterator[Check]:
    """The best run of each cell alone."""
    for name, (law, parameter, sign, _, _, given) in EXPONENTS.items():
        ours = sign * _fit(_cells(path), _cells(path).best(), law, 0).values[parameter]
        yield differs(f"exponent of {name}", ours, _published(law, parameter, sign), given, 6e-4, MEANS)


@cache
def _cells(path: Path) -> Cells:
    runs = read_runs(path)
    names = {"params": "params", "tokens": "tokens", "learning_rate": "lr", "batch_tokens": "batch_size_tokens"}
    columns = {name: numbers(runs, column) for name, column in names.items()}
    _, cell = np.unique(np.stack([columns["params"], columns["tokens"]]), axis=1, return_inverse=True)
    return Cells(columns, numbers(runs, "loss_smooth"), [np.flatnonzero(cell == i) for i in range(int(cell.max()) + 1)])


def _published(law: str, parameter: str, sign: int) -> float:
    return sign * constants_of(f"{law}@{KEY}")[1].values[parameter]


def _log_distance(cells: Cells, name: str) -> Array:
    law, constants = constants_of(f"{name}@{KEY}")
    return np.log(cells.columns[law.metric] / law.evaluate(constants.values, cells.columns))


@cache
def _near_best_fit(path: Path, name: str) -> Fit:
    cells = _cells(path)
    return _fit(cells, cells.near_best(), name, 1000)


def _fit(cells: Cells, rows: Index, name: str, bootstrap: int) -> Fit:
    law, _ = constants_of(f"{name}@{KEY}")
    axes = {axis: cells.columns[axis][rows] for axis in law.axes}
    settings = Settings(objective=Squared(), space="log", bootstrap=bootstrap, level=0.95)
    return fit(Rows(axes, cells.columns[law.metric][rows], law.metric), law, settings)
