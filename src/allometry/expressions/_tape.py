"""A tape: a formula as a list of array operations, run forwards for values and backwards for gradients.

Nothing is generated or executed as code: the tape is data and NumPy does the arithmetic.
Slots hold arrays that broadcast to (S, n), S parameter vectors by n rows. A formula is
elementwise over rows, so one backward sweep gives every partial derivative of every row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from allometry.expressions import _special

Array = np.ndarray
SAFE_LOW, SAFE_HIGH = 1e-200, 1e200
LOG_SUM_EXP = "log_sum_exp"  # the one operation that keeps its exponentials for the way back
Pull = Callable[[Array, Array, tuple[Array, ...]], tuple["Array | None", ...]]


class Operation(NamedTuple):
    """`run(arguments)` gives the value; `pull(adjoint, value, arguments)` the arguments' adjoints."""

    run: Callable[[tuple[Array, ...]], Array]
    pull: Pull


class Step(NamedTuple):
    operation: str
    arguments: tuple[int, ...]


class Shares(NamedTuple):
    """Exponentials of a log-sum-exp's arguments and their sum: their ratios are its gradient."""

    exponentials: tuple[Array, ...]
    total: Array


class Tape:
    """Instructions in order; equal instructions share a slot, so common parts are computed once.

    The first slots are inputs: `parameters` internal coordinates, then `inputs` row inputs.
    """

    def __init__(self, parameters: int, inputs: int) -> None:
        self.parameters, self.inputs = parameters, inputs
        self.steps: list[Step] = []
        self.constants: dict[int, float] = {}
        self._known: dict[object, int] = {}
        self._next = parameters + inputs
        self.root = -1

    def constant(self, value: float) -> int:
        return self._slot(("constant", float(value)), lambda slot: self.constants.__setitem__(slot, float(value)))

    def apply(self, operation: str, *arguments: int) -> int:
        """Slot of an operation on slots; the steps are kept in the order of their slots."""
        step = Step(operation, arguments)
        return self._slot(step, lambda _: None)

    def _slot(self, key: object, store: Callable[[int], None]) -> int:
        if key not in self._known:
            self._known[key] = self._next
            self.steps.append(key if isinstance(key, Step) else Step("constant", ()))
            store(self._next)
            self._next += 1
        return self._known[key]

    def forward(self, q: Array, x: Array) -> tuple[list[Array], dict[int, Shares]]:
        """Values of all slots for q (S, p) and row inputs x (k, n), and the shares of each log-sum-exp."""
        kept: dict[int, Shares] = {}
        slots: list[Array] = [q[:, i, None] for i in range(self.parameters)]
        slots += [row[None, :] for row in x]
        for step in self.steps:
            if step.operation == "constant":
                slots.append(np.array([[self.constants[len(slots)]]]))
            elif step.operation == LOG_SUM_EXP:
                value, kept[len(slots)] = _log_sum_exp(tuple(slots[a] for a in step.arguments))
                slots.append(value)
            else:
                slots.append(OPERATIONS[step.operation].run(tuple(slots[a] for a in step.arguments)))
        return slots, kept

    def value(self, q: Array, x: Array) -> Array:
        """Value (S, n)."""
        with np.errstate(all="ignore"):
            value = self.forward(q, x)[0][self.root]
        return np.broadcast_to(value, (len(q), x.shape[1]))

    def value_and_gradient(self, q: Array, x: Array) -> tuple[Array, Array]:
        """Value (S, n) and its gradient in the internal coordinates (S, p, n)."""
        shape = (len(q), x.shape[1])
        with np.errstate(all="ignore"):
            slots, kept = self.forward(q, x)
            gradient = np.empty((len(q), self.parameters, x.shape[1]))
            written = self._backward(slots, kept, np.broadcast_to(1.0, shape), self.root, gradient)
        for i in set(range(self.parameters)) - written:
            gradient[:, i] = 0.0
        return np.broadcast_to(slots[self.root], shape), gradient

    def _backward(
        self, slots: list[Array], kept: dict[int, Shares], seed: Array, root: int, gradient: Array
    ) -> set[int]:
        """Write d root / d q into `gradient` (S, p, m); returns the parameters it wrote, others are untouched.

        A slot that does not vary over rows is a leaf of the wide sweep: its own gradient is
        taken once in a narrow (S, 1) sweep and spread, which halves the wide arithmetic.
        """
        adjoints: dict[int, Array] = {root: seed}
        wide, written = seed.shape[1] > 1, set[int]()
        for slot in range(root, -1, -1):
            adjoint = adjoints.pop(slot, None)
            if adjoint is None or slot in self.constants:
                continue
            if slot < self.parameters:
                _accumulate(gradient, slot, adjoint, 1.0, written)
            elif slot >= self.parameters + self.inputs:
                if wide and slots[slot].shape[1] == 1:
                    self._spread(slots, kept, slot, adjoint, gradient, written)
                else:
                    self._pull(slots, kept, slot, adjoint, adjoints)

        return written

    def _spread(
        self, slots: list[Array], kept: dict[int, Shares], slot: int, adjoint: Array, gradient: Array, written: set[int]
    ) -> None:
        narrow = np.empty((gradient.shape[0], self.parameters, 1))
        for i in self._backward(slots, kept, np.ones((gradient.shape[0], 1)), slot, narrow):
            _accumulate(gradient, i, adjoint, narrow[:, i], written)

    def _pull(
        self, slots: list[Array], kept: dict[int, Shares], slot: int, adjoint: Array, adjoints: dict[int, Array]
    ) -> None:
        step = self.steps[slot - self.parameters - self.inputs]
        if step.operation == LOG_SUM_EXP:
            unit = adjoint / kept[slot].total
            pulls: tuple[Array | None, ...] = tuple(unit * e for e in kept[slot].exponentials)
        else:
            arguments = tuple(slots[a] for a in step.arguments)
            pulls = OPERATIONS[step.operation].pull(adjoint, slots[slot], arguments)
        for a, pulled in zip(step.arguments, pulls, strict=True):
            if pulled is not None:
                adjoints[a] = adjoints[a] + pulled if a in adjoints else pulled


def _accumulate(gradient: Array, parameter: int, adjoint: Array, factor: Array | float, written: set[int]) -> None:
    """Add adjoint * factor to one parameter's gradient; the first time it is only written."""
    if parameter in written:
        gradient[:, parameter] += adjoint * factor
    else:
        np.multiply(adjoint, factor, out=gradient[:, parameter])
        written.add(parameter)


def _log_sum_exp(arguments: tuple[Array, ...]) -> tuple[Array, Shares]:
    """log(sum(exp(arguments))) and what its pull needs.

    Most sums are of ordinary sizes and need no shift; where the plain sum leaves the safe range
    anywhere, all is done again relative to the largest argument.
    """
    exponentials = tuple(np.exp(a) for a in arguments)
    total = _sum(exponentials)
    if total.min() > SAFE_LOW and total.max() < SAFE_HIGH:
        return np.log(total), Shares(exponentials, total)
    top = arguments[0]
    for argument in arguments[1:]:
        top = np.maximum(top, argument)
    exponentials = tuple(np.exp(a - top) for a in arguments)
    total = _sum(exponentials)
    return top + np.log(total), Shares(exponentials, total)


def _sum(arguments: tuple[Array, ...]) -> Array:
    total = arguments[0]
    for argument in arguments[1:]:
        total = total + argument
    return total


def _extreme(choose: Callable[[Array, Array], Array], active: Callable[[Array, Array], Array]) -> Operation:
    """Minimum or maximum of two: the active side takes the gradient, the first at a tie."""

    def pull(adjoint: Array, value: Array, ab: tuple[Array, ...]) -> tuple[Array | None, ...]:
        first = active(ab[0], ab[1])
        return adjoint * first, adjoint * ~first

    return Operation(lambda ab: choose(ab[0], ab[1]), pull)


def _compare(test: Callable[[Array, Array], Array]) -> Operation:
    return Operation(lambda ab: test(ab[0], ab[1]), lambda *_: (None, None))


def _power_pull(adjoint: Array, value: Array, ab: tuple[Array, ...]) -> tuple[Array | None, ...]:
    base, exponent = ab
    if base.min() > 0:  # nearly always, and the second power is the dearest step of all
        return adjoint * exponent * (value / base), adjoint * value * np.log(base)
    slope = np.where(base > 0, np.log(np.where(base > 0, base, 1.0)), 0.0)
    return adjoint * exponent * np.power(base, exponent - 1), adjoint * value * slope


OPERATIONS: dict[str, Operation] = {
    "sum": Operation(_sum, lambda g, v, a: (g,) * len(a)),
    "multiply": Operation(lambda a: a[0] * a[1], lambda g, v, a: (g * a[1], g * a[0])),
    "divide": Operation(lambda a: a[0] / a[1], lambda g, v, a: (g / a[1], -g * v / a[1])),
    "negative": Operation(lambda a: -a[0], lambda g, v, a: (-g,)),
    "power": Operation(lambda a: np.power(a[0], a[1]), _power_pull),
    "exp": Operation(lambda a: np.exp(a[0]), lambda g, v, a: (g * v,)),
    "log": Operation(lambda a: np.log(a[0]), lambda g, v, a: (g / a[0],)),
    "log1p": Operation(lambda a: np.log1p(a[0]), lambda g, v, a: (g / (1 + a[0]),)),
    "expm1": Operation(lambda a: np.expm1(a[0]), lambda g, v, a: (g * (v + 1),)),
    "sigmoid": Operation(lambda a: _special.expit(a[0]), lambda g, v, a: (g * v * (1 - v),)),
    "softplus": Operation(lambda a: np.logaddexp(0.0, a[0]), lambda g, v, a: (g * _special.expit(a[0]),)),
    "lgamma": Operation(lambda a: _special.gammaln(a[0]), lambda g, v, a: (g * _special.digamma(a[0]),)),
    "max": _extreme(np.maximum, lambda a, b: a >= b),
    "min": _extreme(np.minimum, lambda a, b: a <= b),
    "where": Operation(
        lambda a: np.where(a[0], a[1], a[2]), lambda g, v, a: (None, np.where(a[0], g, 0.0), np.where(a[0], 0.0, g))
    ),
    "less": _compare(np.less),
    "less_equal": _compare(np.less_equal),
    "greater": _compare(np.greater),
    "greater_equal": _compare(np.greater_equal),
    "equal": _compare(np.equal),
    "not_equal": _compare(np.not_equal),
    "and": _compare(np.logical_and),
    "or": _compare(np.logical_or),
    "not": Operation(lambda a: np.logical_not(a[0]), lambda *_: (None,)),
}
