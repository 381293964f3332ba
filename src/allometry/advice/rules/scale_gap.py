"""How far the target lies beyond the runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.finding import Finding
from allometry.advice.sources import NEAR_TARGET
from allometry.advice.study import Study
from allometry.costs import compute_of
from allometry.forecasts.extrapolation import FAR, Surroundings

# Assumed: rounding of a target that is exactly at the edge.
_ROUNDING = 1e-6


def find(study: Study) -> Iterator[Finding]:
    """Decades of compute between the largest run and the target; without compute, those on the farthest axis."""
    fitted = study.fit
    decades = None if fitted is None else _decades(study)
    if fitted is None or decades is None or decades <= 0:
        return
    far = decades > FAR + _ROUNDING
    evidence = f"the target lies a factor of {10**decades:.3g} beyond the largest run"
    if far:
        evidence += f"; cutting a table back tests {10**FAR:g} at most"
    do = "add a run within a factor of ten of the target, and compare laws by backtest: allometry compare ... --backtest flops"
    yield Finding("scale-gap", "advice" if far else "note", evidence, do, NEAR_TARGET)


def _decades(study: Study) -> float | None:
    assert study.fit is not None
    rows = study.fit.rows
    runs = compute_of(rows.axes)
    if runs is not None and study.compute is not None:
        return float(np.log10(study.compute / np.max(runs)))
    if study.at is None:
        return None
    return max(Surroundings(rows).of(study.at).axes.values(), default=None)
