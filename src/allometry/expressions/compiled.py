"""Compile a formula once; evaluate it and its exact gradient for many parameter vectors at once.

The fitting room calls this and nothing else of the formula. Internal coordinates q are
unbounded: the logarithm of a positive parameter, the logit of one in a box, the value of a
free one; scale parameters are taken at the pivot of the axes they multiply (see `_scales`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from allometry.expressions import _special
from allometry.expressions._logspace import Bounds, Lowering
from allometry.expressions._scales import Scale, linear_terms, pivot
from allometry.expressions._tape import Tape
from allometry.expressions.evaluate import evaluate
from allometry.expressions.tree import Call, Formula, Node
from allometry.notices import Refused

Array = np.ndarray
SPACES = ("log", "log1p", "identity", "logit")


class LinearTerm:
    """One term of the formula's sum: coefficient index (or None) and the log of the rest on a tape."""

    def __init__(self, coefficient: int | None, tape: Tape) -> None:
        self.coefficient, self.tape = coefficient, tape


class Compiled:
    """A formula ready for numbers: see `compile_formula`."""

    def __init__(
        self, formula: Formula, axes: Mapping[str, bool], parameters: Mapping[str, Bounds], space: str
    ) -> None:
        self.formula, self.space = formula, space
        self.axes, self.bounds = dict(axes), dict(parameters)
        self.parameters = tuple(parameters)
        scales = frozenset(name for name, bounds in parameters.items() if bounds == (0.0, None))
        logarithmic = frozenset(name for name, log in axes.items() if log)
        self._pivoted, self.scales = pivot(formula.root, scales, logarithmic)
        self._tape = self._transformed()

    def _lowering(self) -> Lowering:
        return Lowering(Tape(len(self.parameters), 2 * len(self.axes)), self.axes, self.bounds)

    def _transformed(self) -> Tape:
        """The tape of the formula seen in the fitting space."""
        lowering, root = self._lowering(), self._pivoted
        tape = lowering.tape
        if self.space == "log":
            tape.root = lowering.log(root)
        elif self.space == "identity":
            tape.root = lowering.plain(root)
        elif self.space == "log1p" and lowering.positive(root):
            tape.root = tape.apply("log_sum_exp", tape.constant(0.0), lowering.log(root))
        elif self.space == "log1p":
            tape.root = tape.apply("log1p", lowering.plain(root))
        else:
            other = tape.apply("log1p", tape.apply("negative", lowering.plain(root)))
            tape.root = tape.apply("sum", lowering.log(root), tape.apply("negative", other))
        return tape

    @cached_property
    def linear(self) -> tuple[LinearTerm, ...]:
        """Terms whose coefficients enter linearly, each rest positive; empty where there are none."""
        scales = frozenset(name for name, bounds in self.bounds.items() if bounds == (0.0, None))
        terms = linear_terms(self._pivoted, scales)
        result = []
        for term in terms:
            lowering = self._lowering()
            if not lowering.positive(term.rest):
                return ()
            lowering.tape.root = lowering.log(term.rest)
            index = None if term.coefficient is None else self.parameters.index(term.coefficient)
            result.append(LinearTerm(index, lowering.tape))
        return tuple(result)

    def row_inputs(self, points: Mapping[str, Array], pivots: Array) -> Array:
        """Row inputs (2k, n) for k axes: each axis as it enters, then relative to its pivot.

        `pivots` (k,) are logarithms, zero for axes that do not enter as one.
        """
        with np.errstate(all="ignore"):
            entered = [np.log(points[a]) if log else np.asarray(points[a], float) for a, log in self.axes.items()]
        plain = np.array(entered, dtype=float).reshape(len(self.axes), -1)
        return np.concatenate([plain, plain - pivots[:, None]])

    def pivots(self, points: Mapping[str, Array]) -> Array:
        """Logarithm of the geometric mean of each axis (k,); zero where the axis enters plainly."""
        return np.array([float(np.mean(np.log(points[a]))) if log else 0.0 for a, log in self.axes.items()])

    def predictions(self, q: Array, x: Array) -> Array:
        """Predictions (S, n) in the fitting space for internal coordinates (S, p) and row inputs."""
        return self._tape.value(q, x)

    def predictions_and_gradient(self, q: Array, x: Array) -> tuple[Array, Array]:
        """Predictions (S, n) and their gradient in the internal coordinates (S, p, n)."""
        return self._tape.value_and_gradient(q, x)

    def natural(self, q: Array, pivots: Array) -> Array:
        """Natural parameter values (S, p) of internal coordinates (S, p)."""
        values = np.empty_like(q)
        with np.errstate(all="ignore"):
            for i, name in enumerate(self.parameters):
                values[:, i] = _from_internal(q[:, i], self.bounds[name])
            for name, scale in self.scales.items():
                i = self.parameters.index(name)
                values[:, i] = np.exp(q[:, i] - scale.sign * self._shift(scale, values, pivots))
        return values

    def representable(self, q: Array, pivots: Array) -> Array:
        """Whether every natural value (S,) is a finite number: a scale far from its pivot may overflow, as may a power."""
        values = self.natural(q, pivots)
        positive = [self.parameters.index(name) for name in self.scales]
        return np.asarray(np.isfinite(values).all(axis=1) & (values[:, positive] > 0).all(axis=1))

    def internal(self, values: Array, pivots: Array) -> Array:
        """Internal coordinates (S, p) of natural values (S, p) strictly inside their bounds."""
        q = np.empty_like(values)
        with np.errstate(all="ignore"):
            for i, name in enumerate(self.parameters):
                q[:, i] = _to_internal(values[:, i], self.bounds[name])
        for name, scale in self.scales.items():
            q[:, self.parameters.index(name)] += scale.sign * self._shift(scale, values, pivots)
        return q

    def _shift(self, scale: Scale, values: Array, pivots: Array) -> Array:
        known = {name: values[:, i] for i, name in enumerate(self.parameters)}
        order = list(self.axes)
        total = np.zeros(len(values))
        for axis, exponent in scale.exponents:
            total = total + evaluate(exponent, known) * pivots[order.index(axis)]
        return total

    def log_parameter(self, name: str, pivots: Array) -> Tape:
        """A tape of the logarithm of a positive parameter's natural value, as a function of q."""
        lowering = self._lowering()
        tape, order = lowering.tape, list(self.axes)
        if name not in self.scales:
            tape.root = lowering._log_name(name)
            return tape
        scale = self.scales[name]
        shifts = [
            tape.apply("multiply", tape.constant(-scale.sign * pivots[order.index(a)]), lowering.plain(e))
            for a, e in scale.exponents
        ]
        tape.root = tape.apply("sum", lowering.parameter_slots[name], *shifts)
        return tape

    def plain_parameter(self, name: str, pivots: Array) -> Tape:
        """A tape of a parameter's natural value as a function of q."""
        if name in self.scales:
            tape = self.log_parameter(name, pivots)
            tape.root = tape.apply("exp", tape.root)
            return tape
        lowering = self._lowering()
        lowering.tape.root = lowering._parameter(name)
        return lowering.tape

    def exact(self, values: Mapping[str, float], points: Mapping[str, Array]) -> Array:
        """Metric (n,) by the plain formula in extended precision: the independent check of a winner."""
        wide = {name: np.asarray(v, dtype=np.longdouble) for name, v in {**values, **points}.items()}
        return np.asarray(evaluate(self.formula.root, wide), dtype=np.longdouble)


def compile_formula(
    formula: Formula, axes: Mapping[str, bool], parameters: Mapping[str, Bounds], space: str = "log"
) -> Compiled:
    """Compile `formula` for batched values and exact gradients.

    Arguments: `axes` maps each axis to whether it enters as its logarithm (it must then be
    positive); `parameters` maps each parameter to its bounds (low, high), None for no bound;
    `space` is where residuals are taken: log, log1p, identity or logit.
    Errors: `Refused` when a name of the formula is neither, or the space is unknown.

    >>> from allometry.expressions import parse
    >>> law = compile_formula(parse("E + A / params**alpha"), {"params": True},
    ...                       {"E": (0.0, None), "A": (0.0, None), "alpha": (0.0, None)})
    >>> points = {"params": np.array([1e6, 1e9])}
    >>> pivots = law.pivots(points)
    >>> q = law.internal(np.array([[1.7, 400.0, 0.3]]), pivots)
    >>> np.exp(law.predictions(q, law.row_inputs(points, pivots))).round(4)
    array([[8.0396, 2.4981]])
    """
    if space not in SPACES:
        raise Refused("unknown-space", f"no space is called {space!r}", "space", f"use one of {', '.join(SPACES)}")
    unknown = [name for name in formula.names if name not in axes and name not in parameters]
    if unknown:
        raise Refused("unknown-name", f"{unknown[0]!r} is neither an axis nor a parameter", formula.text, "declare it")
    return Compiled(formula, axes, parameters, space)


def target_transform(space: str, y: Array) -> Array:
    """The measured metric (n,) in the fitting space."""
    return _INTO[space](y)


def from_space(space: str, h: Array) -> Array:
    """The metric back from the fitting space."""
    return _BACK[space](h)


_INTO: Mapping[str, Callable[[Array], Array]] = {
    "log": np.log, "log1p": np.log1p, "identity": np.asarray, "logit": lambda y: _special.logit(y),
}  # fmt: skip
_BACK: Mapping[str, Callable[[Array], Array]] = {
    "log": np.exp, "log1p": np.expm1, "identity": np.asarray, "logit": lambda h: _special.expit(h),
}  # fmt: skip


def substitute(root: Node, replacements: Mapping[str, Node]) -> Node:
    """The tree with names replaced: a fixed parameter by its number, a tied one by its partner."""
    known: dict[int, Node] = {}

    def visit(node: Node) -> Node:
        if id(node) not in known:
            if isinstance(node, Call):
                known[id(node)] = Call(node.operation, tuple(visit(a) for a in node.arguments))
            else:
                known[id(node)] = replacements.get(getattr(node, "name", ""), node)
        return known[id(node)]

    return visit(root)


def _from_internal(q: Array, bounds: Bounds) -> Array:
    low, high = bounds
    if low is None and high is None:
        return q
    if low is not None and high is not None:
        return low + (high - low) * _special.expit(q)
    return low + np.exp(q) if low is not None else (high or 0.0) - np.exp(q)


def _to_internal(value: Array, bounds: Bounds) -> Array:
    low, high = bounds
    if low is None and high is None:
        return value
    if low is not None and high is not None:
        return _special.logit((value - low) / (high - low))
    return np.log(value - low) if low is not None else np.log((high or 0.0) - value)
