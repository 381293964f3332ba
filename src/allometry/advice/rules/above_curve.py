"""Rows well above the curve while none lies as far below it: under-tuned or stopped early."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.filters import option_without
from allometry.advice.finding import Finding, listed
from allometry.advice.metrics import lower_is_better
from allometry.advice.sources import TUNING
from allometry.advice.study import Study
from allometry.advice.suspects import FAR_SCALES, off_the_curve

ONE_SIDED = 3  # times as many above as below (assumed)
FEWEST = 4  # rows for each unknown: with fewer the scale of the residuals is too uncertain to count in (assumed)


def find(study: Study) -> Iterator[Finding]:
    """Training goes wrong in one direction, errors of measurement in both; rows told as influential are not repeated."""
    fitted = study.fit
    if fitted is None or len(fitted.rows) < study.least(FEWEST) or not lower_is_better(study.law.metric):
        return
    distances = off_the_curve(fitted, fitted)
    above, below = (distances > FAR_SCALES) & ~study.suspects.far, int(np.sum(distances < -FAR_SCALES))
    if not above.any() or int(above.sum()) < ONE_SIDED * below:
        return
    order = np.flatnonzero(above)[np.argsort(-distances[above])]
    rows = tuple(int(fitted.rows.numbers[i]) for i in order)
    evidence = (
        f"more than {FAR_SCALES:g} standard deviations above the curve: {listed(rows)} (the farthest by "
        f"{distances[order[0]]:.0f}), and {below} as far below it"
    )
    option = option_without(study.runs, rows, study.law.axes, study.law.metric)
    do = f"check learning rate, warm-up and end of these runs, tune and repeat them; to fit without them: {option}"
    effect = study.without(above)
    decides = any(change.beyond for change in effect)
    yield Finding("above-the-curve", "warning" if decides else "advice", evidence, do, TUNING, rows, effect)
