"""Constants of a sibling family to borrow where the rows cannot give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from allometry.advice.finding import Change, Finding
from allometry.advice.sources import BORROW
from allometry.advice.study import Study
from allometry.costs import size_axis
from allometry.expressions import count_names
from allometry.fits import Fit, fit
from allometry.fits.guards import terms_of
from allometry.laws import Law, Published
from allometry.notices import Refused

SIGNIFICANT = 5  # digits of a constant in the command
ROUNDED = 0.01  # relative: values this close are one source in two roundings (assumed)


def find(study: Study) -> Iterator[Finding]:
    """Published values of the term that the rows do not determine, one command each, and what they lead to."""
    axis = _undetermined(study)
    names = [] if axis is None else term_parameters(study.law, axis)
    known = _different(names, {key: found for key, found in study.law.published.items() if found.status == "seen"})
    if not names or not known:
        return
    commands = {key: _command(names, found) for key, found in known.items()}
    effect = tuple(change for key, found in known.items() for change in _effect(study, names, key, found))
    evidence = (
        f"these rows cannot give {' and '.join(names)}, the term in {axis}; {study.law.name} has published values of it: "
        + "; ".join(f"{key} ({found.source})" for key, found in known.items())
    )
    do = (
        f"borrow them, one set at a time, and take the spread as part of the answer: {'; or '.join(commands.values())}. "
        "They hold for their own data, tokenizer and loss unit"
    )
    yield Finding("borrow-constants", "advice", evidence, do, BORROW, (), effect)


def _undetermined(study: Study) -> str | None:
    """The axis whose term cannot be told: one that never varied, or the size where it moves with the others."""
    fitted, size = study.fit, size_axis(study.law.axes)
    if fitted is None or not fitted.confounded:
        return None
    constant = [name for name in study.law.axes if len(set(fitted.rows.axes[name].tolist())) == 1]
    return constant[0] if constant else size if fitted.warned("axes-together") else None


def term_parameters(law: Law, axis: str) -> list[str]:
    """The parameters of the terms of a law's sum that hold an axis, in the law's order.

    >>> from allometry.laws import find_law
    >>> term_parameters(find_law("chinchilla"), "params")
    ['A', 'alpha']
    """
    names = {name for term in terms_of(law.formula.root) if axis in count_names(term) for name in count_names(term)}
    return [name for name in law.parameter_names if name in names]


def _different(names: list[str], known: Mapping[str, Published]) -> dict[str, Published]:
    """The sets whose borrowed values are not those of an earlier set in other rounding."""
    kept: dict[str, Published] = {}
    for key, found in known.items():
        alike = (all(abs(found.values[n] / other.values[n] - 1) < ROUNDED for n in names) for other in kept.values())
        if not any(alike):
            kept[key] = found
    return kept


def _values(names: list[str], found: Published) -> Mapping[str, float]:
    return {name: float(f"{found.values[name]:.{SIGNIFICANT}g}") for name in names}


def _command(names: list[str], found: Published) -> str:
    return "allometry fit ... " + " ".join(f"--fix {name}={value:g}" for name, value in _values(names, found).items())


def _effect(study: Study, names: list[str], key: str, found: Published) -> tuple[Change, ...]:
    fixed = {**study.settings.fixed, **_values(names, found)}
    try:
        borrowed: Fit = fit(study.runs, study.law, replace(study.settings, fixed=fixed))
    except Refused:
        return ()
    changes = study.changed(borrowed)
    return tuple(replace(change, quantity=f"{change.quantity}, constants of {key}") for change in changes)
