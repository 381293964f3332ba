"""Runs so small that they do not lie on the curve of the larger ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from allometry.advice.filters import option_without
from allometry.advice.finding import Finding, listed
from allometry.advice.sources import TUNING
from allometry.advice.study import Study
from allometry.costs import compute_of
from allometry.expressions import target_transform
from allometry.fits import Fit

Array = np.ndarray

CUTS = (0.5, 1.0)  # decades above the smallest compute, as plans are cut back below the largest
BEYOND_NOISE = 4.0  # standard deviations: two cuts are tried, and draws of few rows have heavier tails (assumed)
_TAIL = 0.1587  # of a normal, below one standard deviation
_ROUNDING = 1e-6  # runs of a budget that lies on the cut stay together


@dataclass(frozen=True)
class _Trial:
    """The fit without the rows `drop` (n,), how far these lie above its curve (in its space), and that in its noise."""

    decades: float
    drop: Array
    after: Fit
    above: float
    score: float


def find(study: Study) -> Iterator[Finding]:
    """The smallest runs, where the curve of all others misses them by more than its own noise.

    Rows told as off the curve stay out on both sides, or each of them would be found again as a small run.
    """
    fitted = study.fit
    compute = None if fitted is None else compute_of(fitted.rows.axes)
    if fitted is None or compute is None:
        return
    far, logs = study.suspects.far, np.log10(compute)
    low = logs[~far].min()
    trials = [_trial(study, decades, ~far & (logs < low + decades - _ROUNDING), far) for decades in CUTS]
    found = max((trial for trial in trials if trial is not None), key=lambda trial: trial.score, default=None)
    if found is None or found.score <= BEYOND_NOISE:
        return
    rows = tuple(int(row) for row in fitted.rows.numbers[found.drop])
    evidence = (
        f"the {len(rows)} runs of less than {10**found.decades:.2g} times the smallest compute ({listed(rows, 6)}) lie "
        f"{abs(found.above):.2g} {'above' if found.above > 0 else 'below'} the curve of the others in the fit's own space "
        f"({found.score:.1f} standard deviations): the law does not hold for both"
    )
    option = option_without(study.runs, rows, study.law.axes, study.law.metric, fitted.rows.numbers[far].tolist())
    do = f"fit without them and see whether the next smallest lie off too: {option}; or use a law with a bend"
    yield Finding("small-runs", "advice", evidence, do, TUNING, rows, study.changed(found.after))


def _trial(study: Study, decades: float, drop: Array, far: Array) -> _Trial | None:
    keep = ~drop & ~far
    after = study.refitted(keep) if drop.any() and keep.sum() >= study.least(3) else None
    if after is None or study.fit is None or len(after.draws) < 2:
        return None
    points = {name: column[drop] for name, column in study.fit.rows.axes.items()}
    with np.errstate(all="ignore"):
        measured = np.asarray(target_transform(after.space, study.fit.rows.target[drop]), float)
        curve = np.asarray(target_transform(after.space, after.predict(points)), float)
        draws = np.asarray(target_transform(after.space, after.predict_draws(points)), float).mean(axis=1)
    low, high = np.quantile(draws[np.isfinite(draws)], [_TAIL, 1 - _TAIL])
    left = max(len(after.rows) - len(after.law.parameter_names), 1)
    noise = float(np.sum(after.residuals**2)) / left / int(drop.sum())
    above, spread = float(np.mean(measured - curve)), math.sqrt(((high - low) / 2) ** 2 + noise)
    return _Trial(decades, drop, after, above, abs(above) / spread if spread > 0 else 0.0)
