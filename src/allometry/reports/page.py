"""The page: one template filled with words and figures; every text is escaped, only our own scripts are not."""

from __future__ import annotations

import datetime
from importlib.metadata import version
from importlib.resources import files

from allometry.fits import Diagnosis, Fit
from allometry.forecasts import CALIBRATED, FIT_NOISE, interval_label
from allometry.notices import Notice
from allometry.plans import Plan
from allometry.reports import words
from allometry.reports.backtest_words import backtest_words
from allometry.reports.figures import figures, planned_point
from allometry.reports.groups import grouped
from allometry.reports.influence_words import influence_words
from allometry.reports.influences import deciding_rows
from allometry.reports.ledger_words import ledger_words
from allometry.reports.life_costs import life_costs
from allometry.reports.mathml import formula_mathml
from allometry.reports.numbers import counted
from allometry.reports.plan_words import plan_words
from allometry.reports.results import Results
from allometry.reports.sliders import sliders
from allometry.reports.style import figure_json
from allometry.reports.tournament_words import tournament_words

_FOLDER = files("allometry.reports")
_SCRIPTS = ("sliders.js", "lifetime.js", "life_panel.js", "page.js")


def page(fit: Fit, results: Results) -> str:
    """The whole HTML text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(_text("template.html.j2"))
    diagnosis, plan = results.diagnosis, results.plan
    return template.render(
        **_fit_words(fit), **_findings(fit, diagnosis), **_sliders(fit, plan), **_code(fit, results),
        notices=[*words.notices(fit, diagnosis, plan), *_old_prices(results)],
        life=_life(fit, results),
        plan=plan_words(plan) if plan else None,
        forecasts=words.forecasts(results.forecasts),
        tournament=tournament_words(fit, results.tournament),
        backtest=backtest_words(fit, results),
        ledger=ledger_words(fit, results.ledger),
    )  # fmt: skip


def _fit_words(fit: Fit) -> dict[str, object]:
    return {
        "title": fit.law.title or fit.law.name,
        "provenance": fit.provenance,
        "formula": fit.law.formula.text.strip(),
        "tiles": words.headline(fit),
        "parameters": words.parameters(fit),
        "interval_head": f"{fit.settings.level:.0%} interval ({interval_label(fit)})" if len(fit.draws) else "interval",
        "fit_noise": FIT_NOISE,
        "calibrated": CALIBRATED,
        "interval_note": words.interval_note(fit),
        "facts": words.facts(fit),
        "metric": fit.rows.metric,
        "level": f"{fit.settings.level:.0%}",
        "version": version("allometry"),
    }


def _findings(fit: Fit, diagnosis: Diagnosis | None) -> dict[str, object]:
    found = diagnosis or Diagnosis((), None, {}, ())
    return {
        "influence": influence_words(fit, diagnosis),
        "sensitivity": words.sensitivity(fit, found.sensitivity) if found.sensitivity else None,
        "trends": words.trends(found),
        "fit_note": _fit_note(fit, deciding_rows(diagnosis)),
    }


def _fit_note(fit: Fit, marked: tuple[int, ...]) -> str:
    by = grouped(fit).by if len(fit.rows) else None
    said = (
        f"One curve for each group of runs by {by}, drawn at the group's median of all other axes."
        if by
        else "The curve through the runs."
    )
    band = f" Bands: {fit.settings.level:.0%} of the draws, fit noise only." if len(fit.draws) else ""
    return said + band + (" Ringed: the rows that move the answer." if marked else "")


def _sliders(fit: Fit, plan: Plan | None) -> dict[str, object]:
    from markupsafe import Markup

    found = sliders(fit, planned_point(plan))
    return {
        "counts_compute": found is not None and found.compute,
        "slider_data": Markup(found.data) if found else "",
        "slider_function": Markup(found.function) if found else "",
        "draw_count": (counted(found.draws, "draw") if found.draws else "the published constants") if found else "",
    }


def _life(fit: Fit, results: Results) -> dict[str, object] | None:
    from markupsafe import Markup

    found = life_costs(fit, planned_point(results.plan), results.money)
    return {"data": Markup(found.data), "steps": found.steps, "drawn": len(fit.draws) > 1} if found else None


def _old_prices(results: Results) -> tuple[Notice, ...]:
    return () if results.money is None else results.money.old_prices(datetime.date.today())


def _code(fit: Fit, results: Results) -> dict[str, object]:
    """Texts that stand in the page unescaped: our own, or escaped where they are made."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    formula = formula_mathml(fit.law)
    return {
        "css": Markup(_text("page.css")),
        "script": Markup("".join(map(_text, _SCRIPTS))),
        "plotly": Markup(get_plotlyjs()),
        "mathml": Markup(formula) if formula else "",
        "figures": {name: Markup(figure_json(figure)) for name, figure in figures(fit, results).items()},
    }


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
