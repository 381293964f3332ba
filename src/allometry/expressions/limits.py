"""What a text may cost before anything is built from it.

The limits hold while a text is read, so a hostile one is refused after a bounded amount of work. Constants are
checked in floating point and never multiplied out exactly: `9**9**8` has 41 million digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from allometry.expressions.evaluate import evaluate
from allometry.expressions.tree import Call, Name, Node, walk
from allometry.notices import Refused

CHARACTERS = 2_000
NODES = 200  # after sums and products are unrolled; an intermediate counts once however often it is used
WRITTEN_OUT = 2_000  # nodes with every intermediate written out: intermediates of intermediates double quickly
DEPTH = 40
NESTING = 2 * DEPTH + 1  # of brackets and operators while reading: one pair of brackets for each level of a tree
STEPS = 5_000  # operands read, unrolled ones each time: what a loop over nothing new may cost
EXPONENT = 64  # of a constant raised to a constant


def check_length(text: str) -> None:
    """Refuse a text that is too long to read.

    >>> check_length("E + A/N**alpha")
    """
    if len(text) > CHARACTERS:
        raise Refused("too-long", f"the text has {len(text):,} characters and at most {CHARACTERS:,} are read")


class Budget:
    """Counts what one parse builds; each call refuses when a limit is passed.

    Use one for each text. `where` is the place in the text that a refusal names.
    """

    def __init__(self) -> None:
        self._nodes = self._steps = self._nesting = 0

    @contextmanager
    def nested(self, where: str) -> Iterator[None]:
        """Count one operand, read inside those whose `with` is still open, before it is descended into.

        Raises `Refused`: too-deep or too-many-nodes.
        """
        self._steps += 1
        self._nesting += 1
        if self._nesting > NESTING:
            raise _too_deep(where)
        if self._steps > STEPS:
            raise _too_many(where)
        yield
        self._nesting -= 1

    def admit(self, node: Node, where: str) -> Node:
        """Count a node just built and hand it back.

        Raises `Refused`: too-many-nodes, too-deep or constant-too-large.
        """
        self._nodes += 1
        if self._nodes > NODES or node.size > WRITTEN_OUT:
            raise _too_many(where)
        if node.depth > DEPTH:
            raise _too_deep(where)
        if isinstance(node, Call) and not any(isinstance(step, Name) for step in walk(node)):
            _check_constant(node, where)
        return node


def _too_deep(where: str) -> Refused:
    return Refused("too-deep", f"the text is nested more than {DEPTH} deep", where, "write a flatter one")


def _too_many(where: str) -> Refused:
    return Refused("too-many-nodes", f"the text has more than {NODES} nodes", where, "write a smaller one")


def _check_constant(node: Call, where: str) -> None:
    if node.operation == "power":
        exponent = float(evaluate(node.arguments[1], {}))
        if abs(exponent) > EXPONENT:
            message = f"a constant is raised to the power {exponent:g} and at most {EXPONENT} is computed"
            raise Refused("constant-too-large", message, where, "write its value, such as 1e70")
    value = float(evaluate(node, {}))
    if not math.isfinite(value) or _vanished(node, value):
        raise Refused("constant-too-large", "a constant part overflows, vanishes or is undefined", where)


def _vanished(node: Call, value: float) -> bool:
    return node.operation == "power" and value == 0 and evaluate(node.arguments[0], {}) != 0
