"""How a fit was made, as the one sentence that a paper's method section needs."""

from __future__ import annotations

from allometry.fits import Fit
from allometry.forecasts import FIT_NOISE
from allometry.reports.numbers import counted, shown


def method(fit: Fit) -> str:
    """Rows, objective, delta, resamples, seed and version in a sentence or two, from the saved fit alone.

    >>> from allometry.fits import published_fit
    >>> method(published_fit("chinchilla@hoffmann"))
    'The constants of chinchilla are published, not fitted here: Hoffmann et al. 2022, arXiv 2203.15556.'
    """
    if fit.provenance == "published":
        return (
            f"The constants of {fit.law.name} are {fit.status.replace('published: ', 'published, not fitted here: ')}."
        )
    return f"{_fitted(fit)} {_resampled(fit)} Software: {_software(fit)}."


def _fitted(fit: Fit) -> str:
    rows = counted(len(fit.rows), "row") + (f" of {fit.rows.given:,}" if fit.rows.given > len(fit.rows) else "")
    held = "".join(f"; {text}" for text in _held(fit))
    starts = fit.settings.start_count(len(fit.estimate))
    return (
        f"The law {fit.law.name} was fitted to n = {rows} by minimising the sum of {_objective(fit)} of the residuals of {fit.space} "
        f"{fit.rows.metric}{_weighted(fit)}, from {counted(starts, 'start')} (objective {shown(fit.objective)}){held}."
    )


def _objective(fit: Fit) -> str:
    name = fit.settings.objective.name
    said = {"huber": "Huber losses", "squared": "squares", "asymmetric": "asymmetric absolute losses"}.get(
        name, f"{name} losses"
    )
    if fit.delta is None:
        return said
    auto = fit.settings.objective.delta == 0.0
    return f"{said} (delta = {shown(fit.delta, 3)}, {'from the spread of the residuals' if auto else 'given'})"


def _weighted(fit: Fit) -> str:
    return "" if fit.settings.weights is None else f", weighted by {fit.settings.weights}"


def _held(fit: Fit) -> list[str]:
    """What was not left to the rows."""
    settings = fit.settings
    fixed = [f"{name} fixed at {shown(value)}" for name, value in settings.fixed.items()]
    tied = [f"{name} equal to {other}" for name, other in settings.ties.items()]
    return [*fixed, *tied, *(f"a prior on {name}" for name in settings.priors)]


def _resampled(fit: Fit) -> str:
    seed = f"seed {fit.settings.seed}"
    if not len(fit.draws):
        return f"There are no intervals ({fit.interval_kind.removeprefix('none: ')}); {seed}."
    asked = "" if len(fit.draws) == fit.settings.bootstrap else f" of {fit.settings.bootstrap:,} asked for"
    return (
        f"Intervals are {fit.settings.level:.0%} percentiles of {counted(len(fit.draws), 'joint resample')}{asked} "
        f"({fit.interval_kind}; {FIT_NOISE}), {seed}."
    )


def _software(fit: Fit) -> str:
    return ", ".join(f"{name} {number}" for name, number in fit.versions.items())
