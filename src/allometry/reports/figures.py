"""All figures of a report by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allometry.fits import Fit
from allometry.forecasts import Backtest
from allometry.plans import Plan
from allometry.reports.backtest_words import own_test
from allometry.reports.backtests import error_figure
from allometry.reports.curves import fit_figure
from allometry.reports.fans import fan_figure
from allometry.reports.forecast_rows import forecast_figure
from allometry.reports.influences import deciding_figure, deciding_rows, influence_figure
from allometry.reports.ledgers import ledger_figure
from allometry.reports.prices import price_figure
from allometry.reports.regions import region_figure
from allometry.reports.residuals import residual_figure
from allometry.reports.results import Results
from allometry.reports.surface import surface_figure
from allometry.reports.tournaments import tournament_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go


def figures(fit: Fit, results: Results) -> dict[str, go.Figure]:
    """The figures that these results allow: published constants have no runs to draw."""
    found = _of_runs(fit, results) if len(fit.rows) else {}
    if results.plan is not None:
        found["region"] = region_figure(fit, results.plan)
        found["prices"] = price_figure(fit, results.plan)
    if len(results.forecasts) > 1:  # a single one is read sooner in the table
        found["forecasts"] = forecast_figure(results.forecasts)
    if results.tests:
        found |= _of_tests(fit, results.tests)
    found["ledger"] = ledger_figure(results.ledger)
    if results.tournament is not None:
        found["tournament"] = tournament_figure(results.tournament)
    if results.diagnosis is not None and results.diagnosis.influence:
        found["influence"] = influence_figure(results.diagnosis.influence)
        found["deciding"] = deciding_figure(fit, deciding_rows(results.diagnosis))
    return {name: figure for name, figure in found.items() if figure is not None}


def planned_point(plan: Plan | None) -> dict[str, float]:
    """The axes of the plan that have a value."""
    return {name: found.value for name, found in plan.at.items() if found.value is not None} if plan else {}


def _of_runs(fit: Fit, results: Results) -> dict[str, go.Figure | None]:
    marked = deciding_rows(results.diagnosis)
    return {
        "fit": fit_figure(fit, marked),
        "surface": surface_figure(fit, planned_point(results.plan)),
        "residuals": residual_figure(fit, marked),
    }


def _of_tests(fit: Fit, tests: tuple[Backtest, ...]) -> dict[str, go.Figure | None]:
    return {"errors": error_figure(tests), "fan": fan_figure(fit, own_test(fit, tests)) if len(fit.rows) else None}
