"""A law with some parameters fixed or tied: what is left to fit, and the way back to all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allometry.expressions import Compiled, Formula, Name, Node, Number, compile_formula, count_names, substitute
from allometry.laws import Law
from allometry.notices import Refused

Array = np.ndarray


@dataclass(frozen=True)
class Reduced:
    """The free parameters of a law, compiled, and where each of the law's own values comes from."""

    law: Law
    compiled: Compiled
    fixed: Mapping[str, float]
    ties: Mapping[str, str]

    @property
    def free(self) -> tuple[str, ...]:
        return self.compiled.parameters

    def expand(self, values: Array) -> Array:
        """All parameters (S, P) in the law's order from the free ones (S, p)."""
        columns = {name: values[:, i] for i, name in enumerate(self.free)}
        columns |= {name: np.full(len(values), value) for name, value in self.fixed.items()}
        columns |= {name: columns[partner] for name, partner in self.ties.items()}
        return np.stack([columns[name] for name in self.law.parameter_names], axis=1)


def reduce_law(law: Law, space: str, fixed: Mapping[str, float], ties: Mapping[str, str]) -> Reduced:
    """Put fixed values and ties into the formula, so that the fit never sees those parameters.

    Errors: `Refused` for a name that is no parameter, a value outside its bounds, a chain of ties.
    """
    _check(law, fixed, ties)
    if not fixed and not ties:
        return Reduced(law, law.compiled(space), {}, {})
    replacements: dict[str, Node] = {name: Number(value) for name, value in fixed.items()}
    replacements |= {name: Name(partner) for name, partner in ties.items()}
    root = substitute(law.formula.root, replacements)
    used = count_names(root)
    bounds = {p.name: p.bounds for p in law.parameters if p.name not in replacements}
    formula = Formula(law.formula.text, root, tuple(n for n in law.formula.names if n in used))
    axes = {name: law.axis(name).positive for name in law.axes}
    return Reduced(law, compile_formula(formula, axes, bounds, space), dict(fixed), dict(ties))


def _check(law: Law, fixed: Mapping[str, float], ties: Mapping[str, str]) -> None:
    known = {p.name: p for p in law.parameters}
    for name in [*fixed, *ties, *ties.values()]:
        if name not in known:
            raise Refused(
                "unknown-parameter", f"{law.name} has no parameter {name!r}", mend=f"it has {', '.join(known)}"
            )
    for name, value in fixed.items():
        if not np.isfinite(value) or not known[name].allows(value):
            raise Refused("bad-value", f"{name} cannot be fixed at {value:g}", law.name, "keep it inside its bounds")
    if not set(known) - set(fixed) - set(ties):
        raise Refused(
            "nothing-to-fit", f"every parameter of {law.name} is fixed", mend="leave one free, or use evaluate"
        )
    for name, partner in ties.items():
        if name in fixed or partner in ties or name == partner:
            raise Refused(
                "bad-tie",
                f"{name} cannot be tied to {partner}",
                law.name,
                "tie a free parameter to one that is not itself tied",
            )
