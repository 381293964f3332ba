"""Everything a page says in words and tables, made from results; strings only, escaped by the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from allometry.fits import Diagnosis, Fit, Sensitivity
from allometry.forecasts import FIT_NOISE, Forecast, interval_label
from allometry.laws import Parameter
from allometry.notices import Interval, Notice
from allometry.plans import Plan
from allometry.reports.numbers import between, counted, shown
from allometry.reports.style import metric_unit

MOST_LISTED = 20
_TREND = 0.5  # robust standard deviations a decade from which a trend is said to be one (assumed)


def headline(fit: Fit) -> list[dict[str, str]]:
    """The tiles on top: runs, objective, convergence, intervals."""
    number = fit.rows.count
    runs = {"name": "runs", "value": f"{number:,}" if number else "none", "note": _left_out(fit)}
    return [
        runs,
        {"name": "objective", **_objective(fit)},
        {"name": "status", "value": _status(fit), "note": fit.status},
        {"name": "intervals", "value": interval_label(fit), "note": _kind(fit)},
    ]


def _status(fit: Fit) -> str:
    if fit.provenance == "published":
        return "not fitted here"
    return "converged" if fit.converged else "not converged"


def _kind(fit: Fit) -> str:
    if not len(fit.draws):
        return fit.interval_kind.removeprefix("none: ")
    return f"{fit.interval_kind}, {fit.settings.level:.0%} level"


def _left_out(fit: Fit) -> str:
    if fit.rows_missing:
        return fit.rows_missing
    left = len(fit.rows.excluded)
    return f"{counted(left, 'row')} of the table left out" if left else "all rows of the table"


def _objective(fit: Fit) -> dict[str, str]:
    if fit.provenance == "published":
        return {"value": "as published", "note": "see the source below"}
    delta = "" if fit.delta is None else f", delta {shown(fit.delta, 3)}"
    name = f"{fit.settings.objective.name}{delta}, residuals of {fit.space} {fit.rows.metric}"
    return {"value": shown(fit.objective), "note": name}


def parameters(fit: Fit) -> list[tuple[str, ...]]:
    """One line a parameter; one without a value says why in the place of its interval."""
    meant = {parameter.name: parameter for parameter in fit.law.parameters}
    return [
        (name, shown(found.value), _ends(found), parameter_unit(fit, meant[name]), meant[name].meaning)
        for name, found in fit.parameters.items()
    ]


def parameter_unit(fit: Fit, parameter: Parameter) -> str:
    """The unit that a law states, with the metric's as the table states it."""
    usual = fit.law.axis(fit.rows.metric).unit
    return parameter.unit.replace(usual, metric_unit(fit)) if usual else parameter.unit


def interval_note(fit: Fit) -> str:
    """What the intervals hold and what they leave out."""
    if interval_label(fit) != FIT_NOISE:
        return f"No intervals: {_kind(fit)}."
    return (
        f"Intervals are joint over {counted(len(fit.draws), 'draw')} ({fit.interval_kind}). They hold {FIT_NOISE}: how the answer "
        "moves with the runs, not the chance that the law bends beyond them."
    )


def notices(fit: Fit, diagnosis: Diagnosis | None, plan: Plan | None) -> list[Notice]:
    """All warnings, each said once, those about the fit first."""
    found = (
        *fit.notices,
        *(diagnosis.notices if diagnosis else ()),
        *(plan.notices if plan else ()),
        *fit.rows.notices,
    )
    return list(dict.fromkeys(found))


def forecasts(found: Sequence[Forecast]) -> list[tuple[str, ...]]:
    """One line a forecast, with both kinds of interval; the one to decide by is marked as used."""
    meant = {"mean": "the curve", "new-run": "one new run"}
    return [
        (
            _point(item.at.items()),
            meant[item.of],
            shown(item.result.value),
            *(
                _ends(ends) + (" (used)" if ends == item.result and ends.low is not None else "")
                for ends in (item.fit_noise, item.calibrated)
            ),
            item.extrapolation.sentence,
            item.provenance,
        )
        for item in found
    ]


def trends(diagnosis: Diagnosis) -> str:
    """What the residuals still show along each axis."""
    if not diagnosis.trends:
        return ""
    said = ", ".join(f"{name} {slope:+.2f}" for name, slope in diagnosis.trends.items())
    strong = [name for name, slope in diagnosis.trends.items() if abs(slope) > _TREND]
    verdict = f"The law misses something along {', '.join(strong)}." if strong else "None is worth a second look."
    return f"Trend of the residuals in robust standard deviations a decade: {said}. {verdict}"


def sensitivity(fit: Fit, found: Sensitivity) -> dict[str, object]:
    """The parameters at a third, once and three times delta."""
    heads = ["", *(f"delta {shown(delta, 3)}" for delta in found.deltas)]
    rows = [(name, *(shown(float(e[i])) for e in found.estimates)) for i, name in enumerate(fit.law.parameter_names)]
    return {
        "heads": heads,
        "rows": rows,
        "note": f"{found.inside:.0%} of the residuals lie within the delta used (middle column).",
    }


def facts(fit: Fit) -> list[tuple[str, str]]:
    """Conventions, source, exclusions, search and versions."""
    law, excluded = fit.law, fit.rows.excluded
    found = [
        ("law", f"{law.name}: {law.source}" if law.source else law.name),
        ("use it for", law.use),
        ("it fails at", law.avoid),
    ]
    found += [(f"convention, {name}", text) for name, text in fit.conventions.items()]
    found += [(f"row {item.row} left out", item.reason) for item in excluded[:MOST_LISTED]]
    found += [("further rows left out", str(len(excluded) - MOST_LISTED))] if len(excluded) > MOST_LISTED else []
    found += [("derived", text) for text in fit.rows.derived]
    if fit.provenance == "fitted":
        found += [
            ("minimum", f"reached by {fit.agree:.0%} of {counted(fit.finalists, 'finalist')}"),
            ("seed", str(fit.settings.seed)),
        ]
        found += [("rows, SHA-256", fit.rows.fingerprint)]
    found += [("made with", ", ".join(f"{name} {text}" for name, text in fit.versions.items()))]
    return [(name, text) for name, text in found if text.strip()]


def _point(values: Iterable[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {shown(value, 3)}" for name, value in values)


def _ends(found: Interval) -> str:
    """An interval, an end that is not known as a dash, or why there is none."""
    text = between(found.low, found.high)
    return f"{text} ({found.why})" if text and found.why else text or found.why
