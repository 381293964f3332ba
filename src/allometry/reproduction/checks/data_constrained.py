"""Muennighoff et al. 2023 (arXiv 2305.16264): the law of repeated data, and why this table does not give its constants."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from allometry.fits import Fit, Settings, Squared, fit
from allometry.laws import find_law
from allometry.laws import published as constants_of
from allometry.reproduction.check import Check, differs, measured, published
from allometry.reproduction.measures import r_squared
from allometry.runs import Rows, read_runs

CONSTANTS = "data_constrained@muennighoff2023"
REPEATS = ("rd_star", "rn_star")
FILTER = "the paper fits 182 of its runs and its files do not say which: the table's other runs move both constants"


def law_values(path: Path) -> Iterator[Check]:
    """Two points that the authors' notebook evaluates."""
    law, constants = constants_of(CONSTANTS)
    for params, tokens, figure in ((6.34e9, 242e9, 2.2256440889984477), (8.67e9, 178e9, 2.2269634075087867)):
        ours = law.evaluate(constants.values, {"params": params, "tokens": tokens, "unique_tokens": 25e9})[0]
        yield published(f"loss at {params:.3g} params, {tokens:.3g} tokens, 2.5e10 of them unique", ours, figure, 1e-14)


def repetition_explains(path: Path) -> Iterator[Check]:
    """The published constants with and without what they say of repeats, on 150 runs that did not overfit badly."""
    law, constants = constants_of(CONSTANTS)
    rows, chinchilla = _rows(path, 200), find_law("chinchilla")
    fresh = {name: constants.values[name] for name in chinchilla.parameter_names}
    given = {"data-constrained": (0.6214, 0.2554), "Chinchilla": (-0.2872, 0.4855)}
    predicted = law.evaluate(constants.values, rows.axes), chinchilla.evaluate(fresh, rows.axes)
    for (form, (r2, error)), ours in zip(given.items(), predicted, strict=True):
        yield measured(f"R2, {form} form", r_squared(ours, rows.target), r2, 1e-4)
        yield measured(f"mean absolute error, {form} form", np.abs(ours - rows.target).mean(), error, 1e-4)


def refit_depends_on_the_rows(path: Path) -> Iterator[Check]:
    """rd_star and rn_star by least squares in log loss, the other constants as published, for two choices of runs."""
    theirs = constants_of(CONSTANTS)[1].values
    wide, narrow = _refit(path, 200), _refit(path, 100)
    for name, given, within in (("rd_star", 78.03, 0.01), ("rn_star", 1.4203, 1e-4)):
        yield differs(f"{name}, up to 200 epochs", wide.values[name], theirs[name], given, within, FILTER)
    ours = 1 / narrow.values["rd_star"]
    yield differs("1 / rd_star, up to 100 epochs", ours, 1 / theirs["rd_star"], 0.0, 1e-6, f"it runs away; {FILTER}")


@cache
def _rows(path: Path, epochs: int) -> Rows:
    runs = read_runs(path, where=f"loss < 4 and seeded == 0 and epochs <= {epochs}")
    return runs.rows_for(find_law("data_constrained").axes, "loss")


def _refit(path: Path, epochs: int) -> Fit:
    law, constants = constants_of(CONSTANTS)
    fixed = {name: value for name, value in constants.values.items() if name not in REPEATS}
    return fit(_rows(path, epochs), law, Settings(objective=Squared(), fixed=fixed, bootstrap=0))
