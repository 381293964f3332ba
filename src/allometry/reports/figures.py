"""All figures of a report by name, as JSON that is safe inside a script element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allometry.fits import Diagnosis, Fit
from allometry.plans import Plan
from allometry.reports.curves import fit_figure
from allometry.reports.influences import influence_figure
from allometry.reports.regions import region_figure
from allometry.reports.residuals import residual_figure
from allometry.reports.style import figure_json
from allometry.reports.surface import surface_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go


def figures(fit: Fit, diagnosis: Diagnosis | None, plan: Plan | None) -> dict[str, str]:
    """The figures that these results allow: published constants have no runs to draw."""
    found = _of_runs(fit, diagnosis, plan) if len(fit.rows) else {}
    if plan is not None:
        found["region"] = region_figure(fit, plan)
    if diagnosis is not None and diagnosis.influence:
        found["influence"] = influence_figure(diagnosis.influence)
    return {name: figure_json(figure) for name, figure in found.items() if figure is not None}


def deciding_rows(diagnosis: Diagnosis | None) -> tuple[int, ...]:
    """Rows of every finding: those that the simulated tables do not explain."""
    found = diagnosis.influence if diagnosis else ()
    return tuple(sorted({row for item in found if item.finding for row in item.rows}))


def planned_point(plan: Plan | None) -> dict[str, float]:
    """The axes of the plan that have a value."""
    return {name: found.value for name, found in plan.at.items() if found.value is not None} if plan else {}


def _of_runs(fit: Fit, diagnosis: Diagnosis | None, plan: Plan | None) -> dict[str, go.Figure | None]:
    marked = deciding_rows(diagnosis)
    return {
        "fit": fit_figure(fit, marked),
        "surface": surface_figure(fit, planned_point(plan)),
        "residuals": residual_figure(fit, marked),
    }
