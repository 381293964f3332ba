"""How results show themselves in a notebook: a view of words and one table, and a figure, by type of result.

Found by name from `allometry.showing`. A new type of result is shown by one function for each, registered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from importlib.resources import files
from typing import TYPE_CHECKING

from allometry.fits import Fit
from allometry.forecasts import CALIBRATED, FIT_NOISE, Forecast, Forecasts, interval_label
from allometry.inference.sweeps import Results
from allometry.notices import Notice, Refused
from allometry.plans import Plan
from allometry.reports import sweep_words, words
from allometry.reports.curves import fit_figure
from allometry.reports.forecast_rows import forecast_figure
from allometry.reports.mathml import formula_mathml
from allometry.reports.method import method
from allometry.reports.numbers import counted, shown
from allometry.reports.plan_words import plan_words
from allometry.reports.regions import region_figure
from allometry.reports.run_points import runs_figure
from allometry.reports.sweeps import sweep_figure
from allometry.runs import Runs, describe

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_BYTES = 200_000  # of a view, whatever a table or a formula holds: a saved notebook stays small
MOST_ROWS, MOST_CELLS, MOST_TEXTS = 40, 8, 30
_CELL, _TEXT = 160, 700  # signs, fewer where all of them would not fit

Row = Sequence[str]


@dataclass(frozen=True)
class View:
    """What a notebook shows of a result; `formula` is markup of our own making, everything else text."""

    title: str
    heads: Row
    rows: Sequence[Row]
    lead: Sequence[str] = ()
    formula: str = ""
    notes: Sequence[str] = ()
    notices: Sequence[str] = ()
    asides: Sequence[str] = ()

    @property
    def more(self) -> str:
        """What the table leaves out."""
        left = len(self.rows) - MOST_ROWS
        return f"and {counted(left, 'more line')}; to_polars() gives all" if left > 0 else ""


def html(result: object) -> str:
    """A view as HTML, every text escaped and cut to a length that keeps the whole under 200 kB."""
    from jinja2 import Environment, StrictUndefined

    text = (files("allometry.reports") / "notebook.html.j2").read_text(encoding="utf-8")
    template, found = Environment(autoescape=True, undefined=StrictUndefined).from_string(text), view(result)
    made = (template.render(view=_shortened(found, _CELL // share, _TEXT // share)) for share in (1, 2, 4, 8))
    return next(each for each in made if len(each.encode()) < MOST_BYTES)


def _shortened(found: View, cell: int, text: int) -> dict[str, object]:
    """What the template reads, no cell longer than `cell` signs and no sentence than `text`."""
    from markupsafe import Markup

    sentences = ("lead", "notes", "notices", "asides")
    return {
        **{name: [_cut(each, text) for each in getattr(found, name)[:MOST_TEXTS]] for name in sentences},
        "title": _cut(found.title, text), "formula": Markup(found.formula), "more": found.more,
        "heads": [_cut(head, cell) for head in found.heads[:MOST_CELLS]],
        "rows": [[_cut(each, cell) for each in row[:MOST_CELLS]] for row in found.rows[:MOST_ROWS]],
    }  # fmt: skip


@singledispatch
def view(result: object) -> View:
    """The view of a result."""
    raise TypeError(f"no view is registered for {type(result).__name__}")


@singledispatch
def figure(result: object) -> go.Figure:
    """The figure of a result; `Refused` where there is nothing to draw."""
    raise TypeError(f"no figure is registered for {type(result).__name__}")


@view.register(Runs)
def _(runs: Runs) -> View:
    found = describe(runs)
    ranges = {**found.axes, **found.metrics}
    rows = [
        (name, shown(r.low), shown(r.high), f"{r.distinct:,}", r.unit, "derived" if r.derived else r.why)
        for name, r in ranges.items()
    ]
    conventions = ", ".join(f"{name}: {text}" for name, text in found.conventions.items())
    lead = [f"{found.source}: {found.usage}"]
    asides = [f"Conventions: {conventions}."] if conventions else []
    asides += [f"Other columns: {', '.join(found.others)}."] if found.others else []
    return View(
        "Runs",
        ("column", "low", "high", "distinct", "unit", ""),
        rows,
        lead,
        notices=_said(found.notices),
        asides=asides,
    )


@figure.register(Runs)
def _(runs: Runs) -> go.Figure:
    return runs_figure(runs)


@view.register(Fit)
def _(fit: Fit) -> View:
    interval = f"{fit.settings.level:.0%} interval ({interval_label(fit)})" if len(fit.draws) else "interval"
    formula = formula_mathml(fit.law)
    lead = [] if formula else [fit.law.equation]
    return View(
        f"{fit.law.title or fit.law.name} ({fit.provenance})", ("parameter", "value", interval, "unit", "meaning"),
        words.parameters(fit), lead, formula or "", notices=_said(words.notices(fit, None, None)), asides=[method(fit)],
    )  # fmt: skip


@figure.register(Fit)
def _(fit: Fit) -> go.Figure:
    if not len(fit.rows):
        raise Refused("nothing-to-plot", "this fit comes without its runs", "plot", "plot a forecast or a plan of it")
    return fit_figure(fit)


@view.register(Forecasts)
def _(found: Forecasts[Forecast]) -> View:
    if not found:
        return View("No forecasts", (), ())
    heads = ("at", "for", found[0].metric, FIT_NOISE, CALIBRATED, "how far from the runs", "from")
    return View(f"Forecasts of {found[0].metric}", heads, words.forecasts(found))


@view.register(Forecast)
def _(found: Forecast) -> View:
    return view(Forecasts((found,)))


@figure.register(Forecasts)
def _(found: Forecasts[Forecast]) -> go.Figure:
    return forecast_figure(found)


@figure.register(Forecast)
def _(found: Forecast) -> go.Figure:
    return forecast_figure((found,))


@view.register(Plan)
def _(plan: Plan) -> View:
    found = plan_words(plan)
    heads = ("", "value", found.interval_head, "calibrated", f"within {found.within} of the best", "")
    steps = [f"[{step.mark}] {step.name}: {step.says}" for step in plan.steps]
    return View(
        f"Plan by {plan.law} ({plan.provenance})", heads, found.axes, [f"{found.asked}."],
        notes=found.sentences, notices=_said(plan.notices), asides=steps,
    )  # fmt: skip


@figure.register(Plan)
def _(plan: Plan) -> go.Figure:
    found = region_figure(plan.fit, plan)
    if found is None:
        why = next(
            (each.why for each in plan.at.values() if each.value is None and each.why),
            "the plan has no region of sizes",
        )
        raise Refused("nothing-to-plot", f"there is nothing to draw: {why}", "plot", "see the steps of the plan")
    return found


@view.register(Results)
def _(found: Results) -> View:
    notes = [f"{sentence}." for sentence in sweep_words.compared(found)]
    notices = [] if found.complete else [f"incomplete: {found.why}; rows may rest on different problems"]
    told = sweep_words.words(found)
    return View("Strategies at budgets", told.heads, told.rows, [told.common], notes=notes, notices=notices)


@figure.register(Results)
def _(found: Results) -> go.Figure:
    return sweep_figure(found)


def _said(notices: Iterable[Notice]) -> list[str]:
    return [f"{notice.code}: {notice.message}" for notice in notices]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
