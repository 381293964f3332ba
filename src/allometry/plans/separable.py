"""The allocation of a budget in closed form, where the law has one.

It exists wherever a law is a rising function of u * size**a * tokens**b + v * size**c * tokens**d and
nothing else of them: Chinchilla, Kaplan, over-training, coupled forms such as E + A (N^-a + R D^-b)^k.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import Call, Name, Node, evaluate

Array = NDArray[np.float64]

_RISING = frozenset({"exp", "log", "log2", "log10", "sqrt", "log1p", "expm1", "sigmoid"})


class Power(NamedTuple):
    """coefficient * size**of_size * tokens**of_tokens, one value for each draw (B,)."""

    coefficient: Array
    of_size: Array
    of_tokens: Array


class Core(NamedTuple):
    """The two powers whose sum decides, and whether the law rises (+) or falls (-) with it (B,)."""

    first: Power
    second: Power
    direction: Array


class _Reader:
    """Reads a tree at known values (every name but the size and the tokens, each (B,))."""

    def __init__(self, values: Mapping[str, Array], size: str, draws: int) -> None:
        self.values, self.size, self.draws = values, size, draws

    def free(self, node: Node) -> Array | None:
        """The value (B,) of a node that holds neither size nor tokens, else None."""
        if self._moves(node):
            return None
        return np.broadcast_to(np.asarray(evaluate(node, self.values), float), (self.draws,))

    def _moves(self, node: Node) -> bool:
        if isinstance(node, Name):
            return node.name in (self.size, "tokens")
        return isinstance(node, Call) and any(self._moves(argument) for argument in node.arguments)

    def core(self, node: Node, direction: Array) -> Core | None:
        """Strip what only rises or falls with its one moving part, down to a sum of two powers."""
        terms = [(sign, term) for sign, term in _terms(node) if self._moves(term)]
        if len(terms) == 1:
            sign, term = terms[0]
            return self._inside(term, sign * direction)
        if len(terms) != 2:
            return None
        powers = [self.power(term) for _, term in terms]
        if powers[0] is None or powers[1] is None:
            return None
        signed = [p._replace(coefficient=s * p.coefficient) for (s, _), p in zip(terms, powers, strict=True) if p]
        return Core(signed[0], signed[1], direction)

    def _inside(self, node: Node, direction: Array) -> Core | None:
        if not isinstance(node, Call):
            return None
        moving = [argument for argument in node.arguments if self._moves(argument)]
        if len(moving) != 1:
            return None
        inner = moving[0]
        if node.operation in _RISING:
            return self.core(inner, direction)
        if node.operation == "multiply" or (node.operation in ("power", "divide") and inner is node.arguments[0]):
            return self.core(inner, direction * self._slope(node, inner))
        if node.operation == "divide":
            return self.core(inner, -direction * np.sign(self._known(node.arguments[0])))
        return None

    def _slope(self, node: Call, inner: Node) -> Array:
        """The sign (B,) of how a product, power or quotient moves with its first moving part."""
        others = [np.sign(self._known(argument)) for argument in node.arguments if argument is not inner]
        return np.asarray(np.prod([np.ones(self.draws), *others], axis=0))

    def _known(self, node: Node) -> Array:
        value = self.free(node)
        return np.full(self.draws, np.nan) if value is None else value

    def power(self, node: Node) -> Power | None:
        """A node as one power of size and tokens, or None where it is not one."""
        value = self.free(node)
        nothing = np.zeros(self.draws)
        if value is not None:
            return Power(value, nothing, nothing)
        if isinstance(node, Name):
            one = np.ones(self.draws)
            return Power(one, one, nothing) if node.name == self.size else Power(one, nothing, one)
        return self._power_of(node) if isinstance(node, Call) else None

    def _power_of(self, node: Call) -> Power | None:
        if node.operation == "power":
            base, exponent = self.power(node.arguments[0]), self.free(node.arguments[1])
            return None if base is None or exponent is None else _raised(base, exponent)
        parts = [self.power(argument) for argument in node.arguments]
        if any(part is None for part in parts):
            return None
        known = [part for part in parts if part is not None]
        if node.operation == "multiply":
            return _product(known)
        if node.operation == "divide":
            return _product([known[0], _raised(known[1], -np.ones(self.draws))])
        if node.operation == "sqrt":
            return _raised(known[0], np.full(self.draws, 0.5))
        return known[0]._replace(coefficient=-known[0].coefficient) if node.operation == "negative" else None


def _terms(node: Node) -> list[tuple[float, Node]]:
    """The signed terms of the outermost sum."""
    if isinstance(node, Call) and node.operation == "add":
        return [term for argument in node.arguments for term in _terms(argument)]
    if isinstance(node, Call) and node.operation == "subtract":
        return _terms(node.arguments[0]) + [(-sign, term) for sign, term in _terms(node.arguments[1])]
    if isinstance(node, Call) and node.operation == "negative":
        return [(-sign, term) for sign, term in _terms(node.arguments[0])]
    return [(1.0, node)]


def _raised(base: Power, exponent: Array) -> Power:
    with np.errstate(all="ignore"):
        return Power(base.coefficient**exponent, base.of_size * exponent, base.of_tokens * exponent)


def _product(parts: list[Power]) -> Power:
    coefficient = np.prod([part.coefficient for part in parts], axis=0)
    return Power(coefficient, sum(p.of_size for p in parts), sum(p.of_tokens for p in parts))  # type: ignore[arg-type]


def core_of(root: Node, values: Mapping[str, Array], size: str, draws: int) -> Core | None:
    """The deciding sum of a formula at given parameters and further axes (each (B,)); None where there is none."""
    return _Reader(values, size, draws).core(root, np.ones(draws))


def turning_point(core: Core, log_product: Array) -> Array:
    """Log size (B,) of least loss where size * tokens is exp(log_product) (B,); NaN where no draw turns.

    With x = log size each power is u exp(p x), so the minimum of u exp(p x) + v exp(q x) is at
    x = log(-p u / (q v)) / (q - p), which exists for u, v > 0 and p, q of opposite signs.
    Source: Hoffmann et al. 2022, arXiv 2203.15556, eq. 4, here for any two powers.
    """
    with np.errstate(all="ignore"):
        p, q = core.first.of_size - core.first.of_tokens, core.second.of_size - core.second.of_tokens
        log_u = np.log(core.direction * core.first.coefficient) + core.first.of_tokens * log_product
        log_v = np.log(core.direction * core.second.coefficient) + core.second.of_tokens * log_product
        x = (np.log(-p / q) + log_u - log_v) / (q - p)
    return np.asarray(x)
