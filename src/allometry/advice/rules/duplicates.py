"""The same measurement more than once in one table."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from allometry.advice.finding import Finding, listed
from allometry.advice.rounding import half_unit
from allometry.advice.sources import OWN
from allometry.advice.study import Study
from allometry.fits.objectives import robust_scale
from allometry.runs import find_repeats

# Assumed: ties that rounding makes are counted as rare events; three standard deviations above them are not chance.
BEYOND_CHANCE = 3.0


def find(study: Study) -> Iterator[Finding]:
    """Rows of equal axes and equal metric, unless so many ties are to be expected from the metric's rounding."""
    fitted = study.fit
    if fitted is None:
        return
    rows = fitted.rows
    settings = [rows.axes[name] for name in study.law.axes]
    found = find_repeats(settings, rows.target, rows.numbers)
    if not found.duplicates:
        return
    noise = found.noise.value or robust_scale(fitted.residuals)
    groups = {row for group in (*found.repeats, *found.duplicates) for row in group}
    expected = chance_ties(len(groups), half_unit(rows.target), float(np.median(rows.target)), noise)
    if len(found.duplicates) <= expected + BEYOND_CHANCE * math.sqrt(expected):
        return
    extra = tuple(row for group in found.duplicates for row in group[1:])
    first = ", ".join(str(list(group)) for group in found.duplicates[:3])
    evidence = (
        f"{len(found.duplicates)} groups of rows agree in {', '.join(study.law.axes)} and in every digit of "
        f"{rows.metric} (rounding would make {expected:.1g}): {first}{' ...' if len(found.duplicates) > 3 else ''}"
    )
    do = (
        f"find out whether one run was entered twice and keep one of each: {listed(extra, 6)} repeat an earlier row; "
        "what differs between them (allometry runs) tells which entry is right"
    )
    yield Finding("duplicates", "advice", evidence, do, OWN, extra, study.without(np.isin(rows.numbers, extra)))


def chance_ties(rows: int, half: float, level: float, noise: float) -> float:
    """How many pairs of neighbours among `rows` repeated runs agree by rounding to +-`half` alone.

    Two normal errors of relative size `noise` lie within a unit of each other with density 1 / (2 noise sqrt(pi)).

    >>> round(chance_ties(20, 0.005, 2.5, 0.005), 1), chance_ties(20, 1e-16, 2.5, 0.005) < 1e-9
    (2.3, True)
    """
    if noise <= 0:
        return 0.0
    return rows / 2 * min(1.0, 2 * half / level / (2 * noise * math.sqrt(math.pi)))
