"""Figures that follow from a law's formula and published constants alone, as its declaration lists them."""

from __future__ import annotations

from collections.abc import Iterator

from allometry.laws import Law
from allometry.reproduction.check import Check


def figure_checks(law: Law) -> Iterator[Check]:
    """Every declared figure of a law, as ours computes it."""
    for figure in law.figures:
        name = f"figures/{law.name}/{figure.name}"
        yield Check(
            quantity=figure.quantity or law.metric,
            ours=law.figure(figure),
            published=None if figure.computed else figure.value,
            tolerance=figure.within,
            expected=figure.value,
            why=figure.where,
            name=name,
        )
