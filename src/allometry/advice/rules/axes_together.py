"""Axes that never varied, or that rise together, so that their effects cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from allometry.advice.finding import Finding
from allometry.advice.sources import OWN
from allometry.advice.study import Study
from allometry.fits import Fit
from allometry.runs import is_schedule_axis

# Assumed: at a correlation of logarithms of 0.98 a fifth of a decade on one axis is free at each value of the other
# per decade of both; grids and isoFLOP designs lie far below.
NEARLY = 0.98
_CODES = ("axis-constant", "axes-together")


def find(study: Study) -> Iterator[Finding]:
    """What the fit itself found constant or moving together is a warning, a near approach is advice."""
    fitted = study.fit
    if fitted is None:
        return
    said = [notice for notice in fitted.notices if notice.code in _CODES]
    for notice in said:
        do = "add runs that vary one axis at a fixed value of the other: at two sizes, two token budgets each or more"
        yield Finding(notice.code, "warning", notice.message, do, OWN)
    if not said:
        yield from _nearly(study, fitted)


def _nearly(study: Study, fitted: Fit) -> Iterator[Finding]:
    names = [n for n in study.law.axes if not is_schedule_axis(n) and np.all(fitted.rows.axes[n] > 0)]
    for one, other in combinations(names, 2):
        logs = np.log([fitted.rows.axes[one], fitted.rows.axes[other]])
        together = float(np.corrcoef(logs)[0, 1])
        if abs(together) > NEARLY:
            evidence = f"log {one} and log {other} are correlated by {together:.3f} in these runs"
            do = f"add runs off the line: at the largest and smallest {one}, several times more and fewer {other}"
            yield Finding("axes-together", "advice", evidence, do, OWN)
