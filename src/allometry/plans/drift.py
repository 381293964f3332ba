"""The same plan from the same table cut short: does the answer move as the runs get larger?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.costs import compute_of
from allometry.fits import Fit
from allometry.forecasts.splits import reach_of
from allometry.notices import Interval, Notice, Refused
from allometry.plans.ends import ends_json

Answer: TypeAlias = Callable[[Fit], Mapping[str, Interval]]

CUTS = (0.5, 1.0)
CUT_RESAMPLES = 200
# Assumed: "the largest compute" of a table is the 99th percentile of its runs, so that a straggler does not move
# the cuts: the largest 2 of the 240 runs of Besiroglu et al. 2024 are 0.2 and 0.6 decades above all others.
TOP_QUANTILE = 0.99
_ROUNDING = 1e-6  # runs of a budget that lies on the cut are kept or left out together


class Refit(Protocol):
    """Fits again on the kept rows; `allometry.fits.refit` is one."""

    def __call__(self, fitted: Fit, keep: NDArray[np.bool_], *, bootstrap: int | None = None) -> Fit: ...


@dataclass(frozen=True)
class Cut:
    """The plan from the runs up to `flops`, `decades` below the largest compute; empty with `why` if none."""

    decades: float
    flops: float
    runs: int
    plan: Mapping[str, Interval]
    why: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "decades": self.decades,
            "flops": self.flops,
            "runs": self.runs,
            "plan": {name: ends_json(found) for name, found in self.plan.items()},
            "why": self.why,
        }


def cut_back(fit: Fit, answer: Answer, refit: Refit) -> tuple[Cut, ...]:
    """The answer from the rows half a decade and one decade below the largest compute, in that order."""
    compute = compute_of(fit.rows.axes)
    if compute is None or not len(fit.rows):
        return ()
    logs = np.log10(compute)
    ends = [(decades, float(np.quantile(logs, TOP_QUANTILE)) - decades) for decades in CUTS]
    return tuple(_cut(fit, rows_to(fit, logs, end), decades, 10**end, answer, refit) for decades, end in ends)


def rows_to(fit: Fit, logs: NDArray[np.float64], end: float) -> NDArray[np.bool_]:
    """Which rows (n,) a table would hold that ends at `end`, the log compute (n,) given: checkpoints of a run that goes on
    beyond it are not among them."""
    runs = fit.rows.cluster if fit.rows.cluster_kind == "runs" else None
    return np.asarray(reach_of(logs, np.arange(len(logs)) if runs is None else runs) <= end + _ROUNDING)


def _cut(fit: Fit, keep: NDArray[np.bool_], decades: float, most: float, answer: Answer, refit: Refit) -> Cut:
    try:
        shorter = refit(fit, keep, bootstrap=min(CUT_RESAMPLES, len(fit.draws)))
        return Cut(decades, most, int(keep.sum()), answer(shorter))
    except Refused as refused:
        return Cut(decades, most, int(keep.sum()), {}, str(refused))


def drift_notices(now: Mapping[str, Interval], cuts: tuple[Cut, ...]) -> tuple[Notice, ...]:
    """A warning for answers that move one way and farther than the interval of all runs reaches."""
    moved = [name for name, found in now.items() if _drifts([cut.plan.get(name) for cut in reversed(cuts)], found)]
    if not moved:
        return ()
    paths = "; ".join(f"{name} {' -> '.join(_path(name, now, cuts))}" for name in moved)
    text = f"the plan moves one way as larger runs are added, by more than its interval: {paths}"
    return (Notice("plan-drifts", f"{text}. Expect it to move on: the law may bend beyond the runs"),)


def _drifts(before: list[Interval | None], now: Interval) -> bool:
    values = [None if found is None else found.value for found in before]
    if not values or now.value is None or any(value is None for value in values):
        return False
    path = np.array([*values, now.value], dtype=float)
    steps = np.diff(path)
    if now.high is not None and np.all(steps < 0):
        return bool(path[0] > now.high)
    return now.low is not None and bool(np.all(steps > 0)) and bool(path[0] < now.low)


def _path(name: str, now: Mapping[str, Interval], cuts: tuple[Cut, ...]) -> list[str]:
    before = [f"{cut.plan[name].value:.3g} (to {cut.flops:.2g} FLOPs)" for cut in reversed(cuts)]
    return [*before, f"{now[name].value:.3g} (all)"]
