"""Which draws a fit gets: of rows, groups, curves or residuals, and what is to be said of them."""

from __future__ import annotations

import numpy as np

from allometry.fits._curves import FEWEST_RUNS, curves, place_along
from allometry.fits._problem import Problem
from allometry.fits._resampling import Draws, Tick, pairs, residuals
from allometry.fits.fit import BOOTSTRAP_KINDS
from allometry.fits.settings import Settings
from allometry.notices import Notice
from allometry.runs import Rows

Array = np.ndarray
FEW_GROUPS = 10
RATIO_DRAWS = 300


def draw(
    problem: Problem, minima: Array, rows: Rows, settings: Settings, tick: Tick
) -> tuple[Draws, str, list[Notice]]:
    """Joint draws of the free coordinates about known minima (m, p), what kind they are, and what to say of them."""
    count = len(rows)
    if settings.bootstrap < 2:
        none = Draws(np.empty((0, problem.size)), np.empty(0, int), 0, 0, 0.0)
        return (
            none,
            BOOTSTRAP_KINDS["none"],
            [Notice("no-intervals", "no resamples were asked for, so there are no intervals")],
        )
    if count <= problem.size and not settings.priors:
        none = Draws(np.empty((0, problem.size)), np.empty(0, int), 0, 0, 0.0)
        return (
            none,
            BOOTSTRAP_KINDS["saturated"],
            [Notice("no-intervals", "as many parameters as runs: nothing is left to tell the noise from")],
        )
    if count < 2 * problem.size:
        drawn = residuals(problem, minima, settings.bootstrap, settings.seed)
        return drawn, BOOTSTRAP_KINDS["residuals"], _draw_notices(drawn, settings.bootstrap)
    groups = None if settings.cluster == "none" else rows.cluster
    if groups is not None and rows.cluster_kind == "runs" and len(np.unique(groups)) < FEWEST_RUNS:
        drawn, correlation = curves(
            problem, minima, settings.bootstrap, groups, place_along(rows.axes, groups), settings.seed
        )
        notices = [*_draw_notices(drawn, settings.bootstrap), _few_curves(len(np.unique(groups)))]
        return drawn, f"residuals simulated along each run, neighbours correlated {correlation:.2f}", notices
    drawn = pairs(problem, minima, settings.bootstrap, groups, settings.seed, tick)
    notices = _draw_notices(drawn, settings.bootstrap)
    if settings.cluster == "none" and rows.cluster is not None:
        notices.append(_ratio_notice(problem, minima, rows, settings, drawn))
    if groups is None:
        return drawn, BOOTSTRAP_KINDS["rows"], notices
    number = len(np.unique(groups))
    if number < FEW_GROUPS:
        notices.append(
            Notice("few-groups", f"only {number} {rows.cluster_kind} to resample: intervals are too narrow to trust")
        )
    return drawn, f"cluster bootstrap over {number} {rows.cluster_kind}", notices


def _few_curves(runs: int) -> Notice:
    message = (
        f"{runs} run{'s' if runs > 1 else ''}, too few to resample whole: intervals hold how errors scatter along "
        "these curves, not how runs differ"
    )
    return Notice("few-curves", message)


def _draw_notices(drawn: Draws, asked: int) -> list[Notice]:
    notices = []
    if drawn.unconverged:
        notices.append(
            Notice("draws-dropped", f"{drawn.unconverged} of {asked} resamples did not converge and are left out")
        )
    if drawn.deficient:
        notices.append(
            Notice(
                "draws-deficient",
                f"{drawn.deficient} of {asked} resamples kept fewer distinct rows than parameters and are left out",
            )
        )
    if drawn.missed:
        notices.append(
            Notice(
                "draws-rough",
                f"{drawn.missed:.0%} of the spot-checked resamples have a lower minimum than was found: intervals are rough",
            )
        )
    return notices


def _ratio_notice(problem: Problem, minima: Array, rows: Rows, settings: Settings, drawn: Draws) -> Notice:
    """How much narrower plain rows make the intervals than whole runs would."""
    whole = pairs(problem, minima, RATIO_DRAWS, rows.cluster, settings.seed)
    spread = [np.subtract(*np.quantile(d.q, [0.95, 0.05], axis=0)) for d in (whole, drawn)]
    ratio = float(np.median(spread[0] / np.maximum(spread[1], 1e-300)))
    return Notice("rows-not-independent", f"rows of one of the {rows.cluster_kind} are not independent: "
                  f"resampling whole {rows.cluster_kind} makes the parameters' intervals {ratio:.1f} times as wide")  # fmt: skip
