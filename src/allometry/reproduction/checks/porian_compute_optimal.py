"""Porian et al. 2024 (arXiv 2406.19146): the exponent of the best size in compute, one correction after another.

The published figures are the basic and the weighted fits that the authors' own result files hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allometry.fits import Fit, Settings, Squared, fit
from allometry.reproduction.check import Check, published
from allometry.reproduction.measures import numbers
from allometry.runs import Rows, read_runs

LEAST_SQUARES = Settings(objective=Squared(), space="log", bootstrap=0)
CHINCHILLA_FLOPS = 5.88e23


class Condition(NamedTuple):
    """One experiment, and its two published exponents: least squares in logarithms, and weighted by the bootstrap."""

    name: str
    dataset: str
    hparams: str
    warmup: str
    decay: str
    param_count: str
    basic: float
    weighted: float


CONDITIONS = tuple(Condition(*row) for row in (
    ("Kaplan reproduction", "rw", "base", "long", "kaplan", "kaplan", 0.833768, 0.835300),
    ("last layer counted", "rw", "base", "long", "kaplan", "standard", 0.700899, 0.706470),
    ("short warmup", "rw", "base", "short", "kaplan", "standard", 0.603528, 0.602038),
    ("cosine decay", "rw", "base", "short", "chinchilla", "standard", 0.571425, 0.571495),
    ("tuned optimiser", "rw", "tuned", "short", "const", "standard", 0.497029, 0.496895),
    ("tuned, Kaplan counting", "rw", "tuned", "long", "const", "kaplan", 0.708059, 0.711488),
    ("attention counted", "rw", "base", "long", "kaplan", "attention", 0.715916, 0.717058),
    ("attention counted, short warmup", "rw", "base", "short", "kaplan", "attention", 0.624012, 0.622251),
    ("attention counted, cosine decay", "rw", "base", "short", "chinchilla", "attention", 0.577811, 0.577193),
    ("attention counted, tuned", "rw", "tuned", "short", "const", "attention", 0.504066, 0.505266),
    ("OpenWebText2, Kaplan reproduction", "owt2", "base", "long", "kaplan", "kaplan", 0.869992, 0.863511),
    ("OpenWebText2, last layer counted", "owt2", "base", "long", "kaplan", "standard", 0.699987, 0.698501),
    ("OpenWebText2, short warmup", "owt2", "base", "short", "kaplan", "standard", 0.601611, 0.603196),
    ("OpenWebText2, cosine decay", "owt2", "base", "short", "chinchilla", "standard", 0.568890, 0.574295),
    ("OpenWebText2, tuned optimiser", "owt2", "tuned", "short", "const", "standard", 0.518406, 0.518454),
))  # fmt: skip
PLANNED = (2.967e12, 7.361e11, 2.974e11, 1.828e11, 7.703e10)  # params at 5.88e23 FLOPs, of the first five


def exponents(path: Path) -> Iterator[Check]:
    """Least squares of log params on log FLOPs, over the budgets that have an optimum."""
    for condition in CONDITIONS:
        yield published(f"exponent, {condition.name}", _fit(path, condition, False).values["a"], condition.basic, 1e-6)


def weighted_exponents(path: Path) -> Iterator[Check]:
    """The same, each budget weighted by the inverse of its bootstrap variance."""
    for condition in CONDITIONS:
        yield published(
            f"exponent, {condition.name}", _fit(path, condition, True).values["a"], condition.weighted, 1e-6
        )


def size_at_chinchilla_compute(path: Path) -> Iterator[Check]:
    """What the corrections do to a plan: 38 times fewer parameters from the first to the last."""
    for condition, figure in zip(CONDITIONS, PLANNED, strict=False):
        ours = _fit(path, condition, False).predict({"flops": CHINCHILLA_FLOPS})[0]
        yield published(f"params at 5.88e23 FLOPs, {condition.name}", ours, figure, 3e-4 * figure)


@cache
def _fit(path: Path, condition: Condition, weighted: bool) -> Fit:
    keys = Condition._fields[1:6]
    same = " and ".join(f"{key} == '{getattr(condition, key)}'" for key in keys)
    runs = read_runs(path, where=same)
    params, flops = numbers(runs, "n"), numbers(runs, "flops")
    found = np.isfinite(params)
    weights = numbers(runs, "n_star_std")[found] ** -2.0 if weighted else None
    return fit(Rows({"flops": flops[found]}, params[found], "params", weights), "allocation_params", LEAST_SQUARES)
