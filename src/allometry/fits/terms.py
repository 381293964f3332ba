"""The additive terms of a law at a fit: which one does nothing, and what leaving it out would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

import numpy as np

from allometry.expressions import Call, Formula, Node, compile_formula, count_names
from allometry.fits._priors import Penalty
from allometry.fits._problem import Problem
from allometry.fits._reduced import Reduced
from allometry.fits._search import search
from allometry.fits._starts import starts
from allometry.fits.guards import negligible, terms_of
from allometry.notices import Notice
from allometry.runs import Rows

Array = np.ndarray


def negligible_notices(
    reduced: Reduced, problem: Problem, rows: Rows, values: Mapping[str, float], cost: float
) -> list[Notice]:
    """Terms that are below a thousandth everywhere, with the objective once each is left out."""
    found = []
    for term, names in negligible(reduced.law, values, rows.axes):
        own = [name for name in names if name in reduced.free]
        change = _without(reduced, problem, rows, term) / cost - 1 if own and cost > 0 else 0.0
        found.append(
            Notice("term-negligible", f"the term with {', '.join(names)} is below 0.1% of the whole at every run; without it "
                   f"the objective changes by {change:+.1%}, so the data do not show it")
        )  # fmt: skip
    return found


def _without(reduced: Reduced, problem: Problem, rows: Rows, term: Node) -> float:
    """Objective of the best fit without one term."""
    rest = [t for t in terms_of(reduced.compiled.formula.root) if count_names(t) != count_names(term)]
    if not rest:
        return float("inf")
    root: Node = Call("add", tuple(rest)) if len(rest) > 1 else rest[0]
    used = count_names(root)
    bounds = {name: b for name, b in reduced.compiled.bounds.items() if name in used}
    if not bounds:
        return float("inf")
    formula = Formula("", root, tuple(n for n in reduced.compiled.formula.names if n in used))
    compiled = compile_formula(formula, reduced.compiled.axes, bounds, reduced.compiled.space)
    pivots = compiled.pivots(rows.axes)
    smaller = replace(
        problem,
        compiled=compiled,
        inputs=compiled.row_inputs(rows.axes, pivots),
        pivots=pivots,
        penalty=Penalty(compiled, pivots, {}),
    )
    return search(smaller, starts(smaller, 64, 0, {}, names_in_exponents(root))).cost


def names_in_exponents(node: Node) -> frozenset[str]:
    """Names that stand in the exponent of a power."""
    if not isinstance(node, Call):
        return frozenset()
    inside = reduce(frozenset.union, (names_in_exponents(a) for a in node.arguments), frozenset[str]())
    return inside | frozenset(count_names(node.arguments[1])) if node.operation == "power" else inside
