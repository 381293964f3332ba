"""Write a formula onto a tape in log space: products become sums, sums log-sum-exp.

Losses span decades and constants such as 1e13 appear in sums with 1.7; in log space the
value is accurate to rounding and never overflows. A part that may not be positive is
computed plainly, so every formula of the grammar compiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from allometry.expressions._scales import PIVOTED
from allometry.expressions._tape import Tape
from allometry.expressions.tree import Call, Name, Node, Number

Bounds = tuple[float | None, float | None]
FREE: Bounds = (None, None)


class Lowering:
    """Puts parts of one formula on `tape`; `log` and `plain` give the slot of a part in that form.

    `axes` says of each axis whether its row input is its logarithm. Row inputs are the axes in
    order, then the logarithmic ones again relative to their pivots.
    """

    def __init__(self, tape: Tape, axes: Mapping[str, bool], parameters: Mapping[str, Bounds]) -> None:
        self.tape, self.axes, self.bounds = tape, axes, parameters
        self.parameter_slots = {name: i for i, name in enumerate(parameters)}
        names = [*axes, *(name + PIVOTED for name in axes)]
        self.input_slots = {name: tape.parameters + i for i, name in enumerate(names)}
        self._positive: dict[int, bool] = {}
        self._kept: list[Node] = []  # ids are only unique while their objects live

    def positive(self, node: Node) -> bool:
        """Whether the part is certain to be above zero."""
        if id(node) not in self._positive:
            self._kept.append(node)
            self._positive[id(node)] = self._is_positive(node)
        return self._positive[id(node)]

    def _is_positive(self, node: Node) -> bool:
        if isinstance(node, Number):
            return node.value > 0
        if isinstance(node, Name):
            return self._positive_name(node.name)
        arguments = node.arguments
        if node.operation in ("add", "multiply", "divide", "log1p", "expm1", "sqrt", "min"):
            return all(self.positive(a) for a in arguments)
        if node.operation in ("power", "clip"):
            return (
                all(self.positive(a) for a in arguments[:2])
                if node.operation == "clip"
                else self.positive(arguments[0])
            )
        if node.operation == "where":
            return self.positive(arguments[1]) and self.positive(arguments[2])
        if node.operation == "max":
            return any(self.positive(a) for a in arguments)
        return node.operation in ("exp", "sigmoid")

    def _positive_name(self, name: str) -> bool:
        if name in self.bounds:
            low = self.bounds[name][0]
            return low is not None and low >= 0
        return self.axes[name.removesuffix(PIVOTED)]

    def log(self, node: Node) -> int:
        """Slot of the logarithm of a part that is positive (or must turn out to be)."""
        tape = self.tape
        if isinstance(node, Number) and node.value > 0:
            return tape.constant(math.log(node.value))
        if isinstance(node, Name):
            return self._log_name(node.name)
        if isinstance(node, Call) and self.positive(node):
            rewritten = self._log_call(node.operation, node.arguments)
            if rewritten is not None:
                return rewritten
        return tape.apply("log", self.plain(node))

    def _log_name(self, name: str) -> int:
        if name in self.bounds:
            exponential = self.bounds[name] == (0.0, None)
            return self.parameter_slots[name] if exponential else self.tape.apply("log", self._parameter(name))
        logarithmic = self.axes[name.removesuffix(PIVOTED)]
        return self.input_slots[name] if logarithmic else self.tape.apply("log", self.input_slots[name])

    def _log_call(self, operation: str, arguments: Sequence[Node]) -> int | None:
        tape = self.tape
        if operation == "add":
            return tape.apply("log_sum_exp", *(self.log(a) for a in arguments))
        if operation == "multiply":
            return tape.apply("sum", *(self.log(a) for a in arguments))
        if operation == "divide":
            return tape.apply("sum", self.log(arguments[0]), tape.apply("negative", self.log(arguments[1])))
        if operation == "power":
            return self._scaled(arguments[1], self.log(arguments[0]))
        if operation == "sqrt":
            return tape.apply("multiply", tape.constant(0.5), self.log(arguments[0]))
        if operation == "exp":
            return self.plain(arguments[0])
        if operation == "sigmoid":
            return tape.apply("negative", tape.apply("softplus", tape.apply("negative", self.plain(arguments[0]))))
        if operation in ("min", "max") and all(self.positive(a) for a in arguments):
            return self._fold(operation, [self.log(a) for a in arguments])
        return None

    def _scaled(self, exponent: Node, logarithm: int) -> int:
        if isinstance(exponent, Number) and exponent.value == 1:
            return logarithm
        return self.tape.apply("multiply", self.plain(exponent), logarithm)

    def plain(self, node: Node) -> int:
        """Slot of the value itself."""
        if isinstance(node, Number):
            return self.tape.constant(node.value)
        if isinstance(node, Name):
            return self._plain_name(node.name)
        if self._has_power(node) and self.positive(node):
            return self.tape.apply("exp", self.log(node))
        return self._plain_call(node.operation, node.arguments)

    def _has_power(self, node: Call) -> bool:
        """A product of powers is safe from overflow only in log space."""
        if node.operation in ("power", "sqrt"):
            return True
        inner = (a for a in node.arguments if isinstance(a, Call))
        return node.operation in ("multiply", "divide") and any(
            self._has_power(a) or a.operation == "exp" for a in inner
        )

    def _plain_name(self, name: str) -> int:
        if name in self.bounds:
            return self._parameter(name)
        slot = self.input_slots[name]
        return self.tape.apply("exp", slot) if self.axes[name.removesuffix(PIVOTED)] else slot

    def _parameter(self, name: str) -> int:
        """Natural value of a parameter from its internal coordinate, by its bounds."""
        tape, slot = self.tape, self.parameter_slots[name]
        low, high = self.bounds[name]
        if low is None and high is None:
            return slot
        if low is not None and high is not None:
            inside = tape.apply("multiply", tape.constant(high - low), tape.apply("sigmoid", slot))
            return tape.apply("sum", tape.constant(low), inside)
        exponential = tape.apply("exp", slot)
        if low is None:
            return tape.apply("sum", tape.constant(high or 0.0), tape.apply("negative", exponential))
        return exponential if low == 0 else tape.apply("sum", tape.constant(low), exponential)

    def _plain_call(self, operation: str, arguments: Sequence[Node]) -> int:
        tape = self.tape
        if operation == "log":
            return self.log(arguments[0])
        if operation in ("log2", "log10"):
            factor = math.log(2 if operation == "log2" else 10)
            return tape.apply("multiply", tape.constant(1 / factor), self.log(arguments[0]))
        slots = [self.plain(a) for a in arguments]
        if operation == "add":
            return tape.apply("sum", *slots)
        if operation == "subtract":
            return tape.apply("sum", slots[0], tape.apply("negative", slots[1]))
        if operation == "sqrt":
            return tape.apply("power", slots[0], tape.constant(0.5))
        if operation == "clip":
            return tape.apply("min", tape.apply("max", slots[0], slots[1]), slots[2])
        if operation in ("multiply", "min", "max", "and", "or"):
            return self._fold(operation, slots)
        return tape.apply(operation, *slots)

    def _fold(self, operation: str, slots: Sequence[int]) -> int:
        total = slots[0]
        for slot in slots[1:]:
            total = self.tape.apply(operation, total, slot)
        return total
