"""The tree that every formula and filter becomes: numbers, names and calls, nothing else.

It knows neither how it was written nor what its names mean. Nodes are immutable and may be shared: an intermediate
that is used twice is one node with two parents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, TypeAlias

_OF_ONE = ("exp", "log", "log2", "log10", "sqrt", "log1p", "expm1", "sigmoid", "lgamma")
FUNCTIONS: Mapping[str, tuple[int, int | None]] = MappingProxyType(
    dict.fromkeys(_OF_ONE, (1, 1)) | {"min": (2, None), "max": (2, None), "clip": (3, 3), "where": (3, 3)}
)
"""The functions a text may call, each with the fewest and the most arguments it takes (None: any number)."""

COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"})
CONDITIONS = COMPARISONS | {"and", "or", "not"}
"""The operations whose result is true or false; all others give a number."""

ARITHMETIC = frozenset({"add", "subtract", "multiply", "divide", "power", "negative"})
OPERATIONS = ARITHMETIC | CONDITIONS | frozenset(FUNCTIONS)
"""Every operation a `Call` may hold. `add`, `multiply`, `min`, `max`, `and` and `or` take two or more arguments."""


@dataclass(frozen=True)
class Number:
    """A constant as it was written; whole numbers up to 2**53 stay integers."""

    value: float | int
    depth: ClassVar[int] = 1
    size: ClassVar[int] = 1


@dataclass(frozen=True)
class Name:
    """An axis, a parameter or a column."""

    name: str
    depth: ClassVar[int] = 1
    size: ClassVar[int] = 1


@dataclass(frozen=True)
class Call:
    """One of `OPERATIONS` on its arguments.

    `depth` is the longest path to a leaf; `size` counts the nodes with every shared one written out.

    >>> Call("add", (Name("E"), Call("negative", (Number(2),)))).depth
    3
    """

    operation: str
    arguments: tuple[Node, ...]
    depth: int = field(init=False, repr=False, compare=False)
    size: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", 1 + max(argument.depth for argument in self.arguments))
        object.__setattr__(self, "size", 1 + sum(argument.size for argument in self.arguments))


Node: TypeAlias = Number | Name | Call


@dataclass(frozen=True)
class Formula:
    """A parsed formula: its text as given, its tree, and its free names in order of appearance.

    Intermediates (`G = ...`) are already put in place as shared nodes, indexed sums and products are unrolled. `parts`
    remembers which nodes were named, in the order written, for whoever prints the formula.
    """

    text: str
    root: Node
    names: tuple[str, ...]
    parts: tuple[tuple[str, Node], ...] = ()


def walk(node: Node) -> Iterator[Node]:
    """Every distinct node under `node`, itself first, in the order written, shared ones once.

    >>> [step.name for step in walk(Call("add", (Name("a"), Name("b")))) if isinstance(step, Name)]
    ['a', 'b']
    """
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        step = waiting.pop()
        if id(step) in seen:
            continue
        seen.add(id(step))
        yield step
        if isinstance(step, Call):
            waiting.extend(reversed(step.arguments))


def is_condition(node: Node) -> bool:
    """Whether the node is true or false rather than a number."""
    return isinstance(node, Call) and node.operation in CONDITIONS
