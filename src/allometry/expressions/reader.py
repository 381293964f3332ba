"""Tokens to a tree by precedence climbing: what formulas and filters have in common.

Precedence is Python's: `or`, `and`, `not`, comparisons (chained ones too), `+ -`, `* /`, unary `-`, `**`.
"""

from __future__ import annotations

from collections.abc import Sequence

from allometry.expressions.limits import Budget
from allometry.expressions.tokens import Token, tokenize
from allometry.expressions.tree import FUNCTIONS, Call, Node, Number, is_condition
from allometry.notices import Refused

_COMPARISON, _UNARY = 4, 7
_BINDING = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "**": 8} | dict.fromkeys(
    ("<", "<=", ">", ">=", "==", "!="), _COMPARISON
)
_OPERATION = {
    "or": "or", "and": "and", "not": "not", "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power",
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip
_ELSEWHERE = {"ln": "log is the natural logarithm", "pow": "use ** for a power", "abs": "write max(x, -x)"}
_ANY_NUMBER = ("or", "and", "+", "*")
_EXACT = 2**53  # whole numbers beyond this are floats: their digits would be lost anyway


class Reader:
    """Reads one text from left to right; a subclass says what its names mean.

    Every node is made by `call` or passes `self.budget`, so the limits hold at every step.
    """

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.position = 0
        self.budget = Budget()

    def leaf(self, token: Token) -> Node:
        """The node of a name, a quoted text or a column; a subclass defines it."""
        raise self.unexpected(token, "a number, a name or (")

    def expression(self, above: int = 0) -> Node:
        """Read operands and the operators that bind more tightly than `above`."""
        with self.budget.nested(self.token.where):
            left = self._prefix()
            while self.token.kind == "symbol" and (binding := _BINDING.get(self.token.text, 0)) > above:
                left = self._infix(left, binding)
            return left

    def call(self, operation: str, arguments: Sequence[Node], where: str) -> Node:
        """A checked call: numbers and comparisons only where they have a meaning."""
        for index, argument in enumerate(arguments):
            wanted = operation in ("and", "or", "not") or (operation == "where" and index == 0)
            if is_condition(argument) is not wanted:
                message = "a comparison is needed" if wanted else "a number is needed where a comparison stands"
                raise Refused("bad-text", message, where, "comparisons go into where(comparison, a, b)")
        return self.budget.admit(Call(operation, tuple(arguments)), where)

    def number(self, token: Token) -> Node:
        """The node of a number token."""
        value = float(token.text)
        if value == float("inf"):
            raise Refused("bad-text", "a number is too large for a float", token.where)
        whole = token.text.isdigit() and int(token.text) <= _EXACT
        return self.budget.admit(Number(int(token.text) if whole else value), token.where)

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    @property
    def ended(self) -> bool:
        return self.token.kind == "end"

    def next(self) -> Token:
        """The present token, stepping past it; the end stays the end."""
        token = self.token
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def at(self, symbol: str) -> bool:
        return self.token.kind == "symbol" and self.token.text == symbol

    def accept(self, symbol: str) -> bool:
        """Step past the symbol if it is here."""
        here = self.at(symbol)
        if here:
            self.next()
        return here

    def expect(self, symbol: str) -> None:
        if not self.accept(symbol):
            raise self.unexpected(self.token, symbol)

    def unexpected(self, token: Token, wanted: str) -> Refused:
        """The refusal of a token where something else was wanted."""
        found = {"end": "the text ends", "newline": "the line ends"}.get(token.kind, f"`{token.text}` stands")
        mend = "use == to compare" if token.text == "=" else ""
        if token.text == "[" or "index" in wanted:
            mend = "indices live inside sum and prod, such as sum(i in mixture: r[i])"
        return Refused("bad-text", f"{found} where {wanted} is expected", token.where, mend)

    def _prefix(self) -> Node:
        token = self.next()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "name" and self.at("("):
            return self.called(token)
        if token.kind == "name" and token.text in FUNCTIONS:
            message = f"`{token.text}` is a function and needs its arguments"
            raise Refused("bad-text", message, token.where, f"write {token.text}(...)")
        if token.kind != "symbol":
            return self.leaf(token)
        if token.text == "(":
            inner = self.expression()
            self.expect(")")
            return inner
        if token.text == "+":
            return self.expression(_UNARY)
        if token.text == "-":
            return self.call("negative", [self.expression(_UNARY)], token.where)
        if token.text == "not":
            return self.call("not", [self.expression(_BINDING["not"])], token.where)
        raise self.unexpected(token, "a number or a name")

    def _infix(self, left: Node, binding: int) -> Node:
        token = self.next()
        if binding == _COMPARISON:
            return self._chain(left, token)
        right_first = token.text == "**"
        arguments = [left, self.expression(binding - right_first)]
        while token.text in _ANY_NUMBER and self.accept(token.text):
            arguments.append(self.expression(binding))
        return self.call(_OPERATION[token.text], arguments, token.where)

    def _chain(self, left: Node, token: Token) -> Node:
        steps: list[Node] = []
        while True:
            right = self.expression(_COMPARISON)
            steps.append(self.call(_OPERATION[token.text], [left, right], token.where))
            if self.token.kind != "symbol" or _BINDING.get(self.token.text) != _COMPARISON:
                break
            left, token = right, self.next()
        return steps[0] if len(steps) == 1 else self.call("and", steps, token.where)

    def called(self, token: Token) -> Node:
        """A function applied to its arguments; the reader stands at the opening bracket."""
        if token.text not in FUNCTIONS:
            mend = _ELSEWHERE.get(token.text) or "the functions are " + ", ".join(FUNCTIONS)
            raise Refused("unknown-function", f"there is no function `{token.text}`", token.where, mend)
        self.expect("(")
        arguments = [self.expression()]
        while self.accept(","):
            arguments.append(self.expression())
        self.expect(")")
        fewest, most = FUNCTIONS[token.text]
        if len(arguments) < fewest or len(arguments) > (most or len(arguments)):
            takes = f"{fewest} or more" if most is None else f"{fewest}"
            message = f"`{token.text}` takes {takes} argument{'s' * (fewest > 1)} and has {len(arguments)}"
            raise Refused("bad-text", message, token.where)
        return self.call(token.text, arguments, token.where)
