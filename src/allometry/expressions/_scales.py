"""Structure of a formula that fitting uses: scale parameters to pivot and coefficients that enter linearly.

In c * x**g the scale c and the exponent g are strongly correlated, because x is far from 1.
Where c occurs once, the exact rewrite c' * (x / x0)**g removes most of that correlation;
it never changes the family, as rescaling an axis everywhere would.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from allometry.expressions.tree import Call, Name, Node, Number

PIVOTED = "'"  # marks an axis taken relative to its pivot; no name of the grammar can hold it


class Factor(NamedTuple):
    base: Node
    exponent: Node


class Scale(NamedTuple):
    """A parameter c with c**sign * product of axis**exponent, and those axes and exponents."""

    sign: int
    exponents: tuple[tuple[str, Node], ...]


class Term(NamedTuple):
    """One term of a sum: a coefficient that occurs nowhere else (or None) and the rest."""

    coefficient: str | None
    rest: Node


def count_names(node: Node) -> Counter[str]:
    """How often each name occurs, shared parts counted once for every use."""
    known: dict[int, Counter[str]] = {}

    def count(part: Node) -> Counter[str]:
        if id(part) not in known:
            own = Counter([part.name]) if isinstance(part, Name) else Counter[str]()
            for argument in part.arguments if isinstance(part, Call) else ():
                own = own + count(argument)
            known[id(part)] = own
        return known[id(part)]

    return count(node)


def factors(node: Node) -> list[Factor]:
    """A product as its factors: base and exponent; a power of a product of bare names is spread."""
    if isinstance(node, Call) and node.operation == "multiply":
        return [f for argument in node.arguments for f in factors(argument)]
    if isinstance(node, Call) and node.operation == "divide":
        over, under = node.arguments
        return factors(over) + [Factor(b, _negative(e)) for b, e in factors(under)]
    if isinstance(node, Call) and node.operation == "power":
        inner = _plain_factors(node.arguments[0])
        exponent = node.arguments[1]
        if inner:
            return [Factor(f.base, exponent if f.exponent == Number(1) else _negative(exponent)) for f in inner]
        return [Factor(node.arguments[0], exponent)]
    return [Factor(node, Number(1))]


def _plain_factors(base: Node) -> list[Factor]:
    """The factors of a product or quotient of bare names and numbers; none for anything else."""
    inner = factors(base)
    plain = all(isinstance(f.base, Name | Number) and f.exponent in (Number(1), Number(-1)) for f in inner)
    return inner if plain else []


def _negative(node: Node) -> Node:
    return Number(-node.value) if isinstance(node, Number) else Call("negative", (node,))


def pivot(root: Node, scales: frozenset[str], axes: frozenset[str]) -> tuple[Node, dict[str, Scale]]:
    """The formula with axes taken relative to their pivots wherever a scale parameter absorbs it."""
    counts = count_names(root)
    once = frozenset(name for name in scales if counts[name] == 1)
    found: dict[str, Scale] = {}

    def visit(node: Node) -> Node:
        if not isinstance(node, Call):
            return node
        if node.operation in ("multiply", "divide"):
            scale = _scale_of(node, once, axes, frozenset(found))
            if scale is not None:
                found[scale[0]] = scale[1]
                return _mark(node, dict(scale[1].exponents))
        arguments = tuple(visit(a) for a in node.arguments)
        return (
            node
            if all(a is b for a, b in zip(arguments, node.arguments, strict=True))
            else Call(node.operation, arguments)
        )

    return visit(root), found


def _scale_of(
    node: Node, once: frozenset[str], axes: frozenset[str], taken: frozenset[str]
) -> tuple[str, Scale] | None:
    parts = factors(node)
    powers = tuple((f.base.name, f.exponent) for f in parts if isinstance(f.base, Name) and f.base.name in axes)
    used = {name for _, exponent in powers for name in count_names(exponent)}
    if not powers or used & (axes | taken | once & _bases(parts)):
        return None
    for base, exponent in parts:
        if isinstance(base, Name) and base.name in once and exponent in (Number(1), Number(-1)):
            return base.name, Scale(1 if exponent == Number(1) else -1, powers)
    return None


def _bases(parts: list[Factor]) -> frozenset[str]:
    return frozenset(f.base.name for f in parts if isinstance(f.base, Name))


def _mark(node: Node, axes: dict[str, Node]) -> Node:
    """Replace exactly the axes that `factors` finds in this product, none deeper in other factors."""
    if isinstance(node, Name):
        return Name(node.name + PIVOTED) if node.name in axes else node
    if isinstance(node, Call) and node.operation in ("multiply", "divide"):
        return Call(node.operation, tuple(_mark(a, axes) for a in node.arguments))
    if isinstance(node, Call) and node.operation == "power" and _plain_factors(node.arguments[0]):
        return Call("power", (_mark(node.arguments[0], axes), node.arguments[1]))
    return node


def linear_terms(root: Node, scales: frozenset[str]) -> tuple[Term, ...]:
    """The sum's terms with their linear coefficients; empty when no coefficient is linear."""
    counts = count_names(root)
    once = frozenset(name for name in scales if counts[name] == 1)
    terms = tuple(_split(term, once) for term in _terms(root))
    return terms if any(t.coefficient for t in terms) else ()


def _terms(node: Node) -> list[Node]:
    if isinstance(node, Call) and node.operation == "add":
        return [t for argument in node.arguments for t in _terms(argument)]
    return [node]


def _split(term: Node, once: frozenset[str]) -> Term:
    parts = factors(term)
    for i, (base, exponent) in enumerate(parts):
        if isinstance(base, Name) and base.name in once and exponent == Number(1):
            rest = [Call("power", (f.base, f.exponent)) for j, f in enumerate(parts) if j != i]
            return Term(base.name, Call("multiply", tuple(rest)) if len(rest) > 1 else rest[0] if rest else Number(1))
    return Term(None, term)
