"""A few rows that decide the answer, judged against what the same search finds where nothing is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from allometry.advice.filters import option_without
from allometry.advice.finding import Change, Finding, listed
from allometry.advice.sources import FEW_ROWS
from allometry.advice.study import Study
from allometry.advice.suspects import Suspects
from allometry.fits import Influence

# Assumed. The search on 20 simulated tables is passed by chance once in 21 for each quantity; half as far again
# in the logarithm is beyond what 20 tables of the same noise reach.
MARGIN = 1.5


def find(study: Study) -> Iterator[Finding]:
    """Rows that move the answer further than in every simulated table, and which of them are off the curve.

    Where the rows off the curve alone move it so far, that is a warning. Rows that only carry much weight are advice
    when far beyond the null, and a note otherwise.
    """
    suspects = study.suspects
    if not suspects.found:
        return
    worst = suspects.found[0]
    effect = study.without(suspects.far) if suspects.far.any() else ()
    reached = {change.quantity: change.size for change in effect}
    if reached.get(worst.quantity, 0.0) > math.log(_reached(worst)):
        yield _off_curve(study, suspects, effect)
    else:
        yield _weighty(study, suspects)


def _off_curve(study: Study, suspects: Suspects, effect: tuple[Change, ...]) -> Finding:
    assert study.fit is not None
    order = np.flatnonzero(suspects.far)[np.argsort(-np.abs(suspects.distances[suspects.far]))]
    rows = tuple(int(study.fit.rows.numbers[i]) for i in order)
    farthest, nearest = np.abs(suspects.distances[order[[0, -1]]])
    evidence = (
        f"{_moves(suspects.found[0])}; of these, {listed(rows)} lie off the curve of the other rows, the first by "
        f"{farthest:.0f} standard deviations and the last by {nearest:.0f}"
    )
    option = option_without(study.runs, rows, study.law.axes, study.law.metric)
    do = f"look at these rows first (misread, diverged, another recipe?); to fit without them: {option}"
    return Finding("few-rows-decide", "warning", evidence, do, FEW_ROWS, rows, effect)


def _weighty(study: Study, suspects: Suspects) -> Finding:
    worst = suspects.found[0]
    beyond = abs(math.log(worst.effect)) > MARGIN * math.log(_reached(worst))
    evidence = (
        f"{_moves(worst)}; {listed(worst.rows)}: no rows off the curve do this, so these are not errors but carry the "
        "answer by their place"
    )
    do = "more runs where these are, so that the answer does not rest on them; do not leave them out"
    effect = study.without(suspects.members)
    return Finding("few-rows-decide", "advice" if beyond else "note", evidence, do, FEW_ROWS, worst.rows, effect)


def _moves(item: Influence) -> str:
    return (
        f"leaving out {len(item.rows)} rows moves {item.quantity} by a factor of {max(item.effect, 1 / item.effect):.3g}; "
        f"the same search on {len(item.expected)} tables simulated from the fit reaches {_reached(item):.3g} at most"
    )


def _reached(item: Influence) -> float:
    return max((max(factor, 1 / factor) for factor in item.expected), default=1.0)
