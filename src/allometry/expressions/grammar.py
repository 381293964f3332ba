"""Formula text to a tree: lines of intermediates, then the expression; sums and products unrolled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from allometry.expressions.reader import Reader
from allometry.expressions.tokens import Token
from allometry.expressions.tree import FUNCTIONS, Formula, Name, Node, Number, is_condition
from allometry.notices import Refused

Families = Mapping[str, Sequence[str] | int]
_NONE: Families = MappingProxyType({})
_UNROLLED = {"sum": "add", "prod": "multiply"}


def parse(text: str, families: Families = _NONE) -> Formula:
    """Read a formula such as `E + A/params**alpha`; nothing in the text is ever executed.

    Earlier lines may name intermediates (`G = ...`), the last line gives the value; `#` starts a comment. With
    `sum(i in mixture: w[i]*r[i])` or `prod(j in 1..n: ...)` the body is repeated for every member: `r[i]` becomes
    the name `r_web`, `A[j]` becomes `A_1`, and a number `j` may also be used as a value.

    Arguments:
        text: the formula, at most 2,000 characters; see `limits` for what else is bounded.
        families: for `in mixture`, the members' names in order; for `1..n`, how many.

    Raises `Refused` with the place in the text: too-long, bad-text, unknown-function, unknown-family,
    too-many-nodes, too-deep, constant-too-large.

    >>> parse("E + A/params**alpha + B/tokens**beta").names
    ('E', 'A', 'params', 'alpha', 'B', 'tokens', 'beta')
    >>> parse("sum(i in mixture: r[i])", {"mixture": ("web", "code")}).names
    ('r_web', 'r_code')
    """
    return _FormulaReader(text, families).formula()


class _FormulaReader(Reader):
    def __init__(self, text: str, families: Families) -> None:
        super().__init__(text)
        self._text, self._families = text, families
        self._parts: dict[str, Node] = {}
        self._unused: dict[str, Token] = {}
        self._free: dict[str, None] = {}  # an ordered set
        self._indices: dict[str, str | int] = {}

    def formula(self) -> Formula:
        self._skip_lines()
        while self.token.kind == "name" and self.tokens[self.position + 1].text == "=":
            self._intermediate()
            self._skip_lines()
        root = self._value()
        for name, token in self._unused.items():
            raise Refused("bad-text", f"`{name}` is never used", token.where, "use it or take the line out")
        return Formula(self._text, root, tuple(self._free), tuple(self._parts.items()))

    def _value(self) -> Node:
        first = self.token
        if first.kind == "end":
            raise Refused("bad-text", "no line gives the value", first.where, "end with a line without =, as in E + G")
        root = self.expression()
        self._end_line()
        self._skip_lines()
        if not self.ended:
            raise Refused(
                "bad-text", "only the last line gives the value", first.where, "begin earlier lines with NAME ="
            )
        if is_condition(root):
            raise Refused("bad-text", "the formula is a comparison and not a number", first.where)
        return root

    def _skip_lines(self) -> None:
        while self.token.kind == "newline":
            self.next()

    def _end_line(self) -> None:
        if self.token.kind not in ("newline", "end"):
            raise self.unexpected(self.token, "an operator or the end of the line")

    def _intermediate(self) -> None:
        token = self.next()
        self.expect("=")
        if token.text in FUNCTIONS or token.text in _UNROLLED or token.text.startswith("_"):
            raise Refused("bad-text", f"`{token.text}` cannot be defined", token.where, "choose another name")
        part = self.expression()
        self._end_line()
        if token.text in self._parts or token.text in self._free:
            message = f"`{token.text}` is already used or defined at this line"
            raise Refused("bad-text", message, token.where, "define a name once, before its use")
        self._parts[token.text], self._unused[token.text] = part, token

    def number(self, token: Token) -> Node:
        if token.suffixed:
            mantissa, _, exponent = token.text.partition("e")
            mend = f"write {mantissa}e{exponent}"
            raise Refused("bad-text", "a formula takes no numbers with a suffix", token.where, mend)
        return super().number(token)

    def called(self, token: Token) -> Node:
        return self._unroll(token) if token.text in _UNROLLED else super().called(token)

    def leaf(self, token: Token) -> Node:
        if token.kind == "text":
            raise Refused("bad-text", "a formula holds no quoted text", token.where)
        if token.kind != "name" or token.text in _UNROLLED or token.text.startswith("_"):
            raise self.unexpected(token, "a number, or a name that starts with a letter,")
        if self.at("[") and token.text not in self._parts:
            return self._named(self._indexed(token), token.where)
        if token.text in self._indices:
            return self._index_value(token)
        return self._named(token.text, token.where)

    def _named(self, name: str, where: str) -> Node:
        if name in self._parts:
            self._unused.pop(name, None)
            return self._parts[name]
        self._free[name] = None
        return self.budget.admit(Name(name), where)

    def _index_value(self, token: Token) -> Node:
        value = self._indices[token.text]
        if isinstance(value, str):
            message = f"`{token.text}` stands for the name {value} and has no value"
            raise Refused("bad-text", message, token.where, f"use it as an index, such as r[{token.text}]")
        return self.budget.admit(Number(value), token.where)

    def _indexed(self, token: Token) -> str:
        """`M[i, j]` as the name `M_web_code`."""
        name = token.text
        self.expect("[")
        while True:
            index = self.next()
            if index.kind != "name" or index.text not in self._indices:
                raise self.unexpected(index, "an index of sum or prod")
            name += f"_{self._indices[index.text]}"
            if not self.accept(","):
                self.expect("]")
                return name

    def _unroll(self, token: Token) -> Node:
        self.expect("(")
        index = self.next()
        if index.kind != "name" or index.text in self._indices:
            raise self.unexpected(index, "a new index")
        self.expect("in")
        members = self._members()
        self.expect(":")
        body, terms = self.position, []
        for member in members:
            self.position, self._indices[index.text] = body, member
            terms.append(self.expression())
        self._indices.pop(index.text)
        self.expect(")")
        return terms[0] if len(terms) == 1 else self.call(_UNROLLED[token.text], terms, token.where)

    def _members(self) -> Sequence[str | int]:
        first = self.next()
        if first.kind == "number":
            low = self._whole(first)
            self.expect("..")
            last = self.next()
            members: Sequence[str | int] = range(low, self._whole(last) + 1)
        else:
            family = self._family(first)
            members = range(1, family + 1) if isinstance(family, int) else tuple(family)
        if not members:
            raise Refused("bad-text", "a sum or product over nothing", first.where)
        return members

    def _whole(self, token: Token) -> int:
        value: object = self._family(token) if token.kind == "name" else None
        if token.kind == "number":
            number = self.number(token)
            value = number.value if isinstance(number, Number) else None
        if not isinstance(value, int):
            raise self.unexpected(token, "a whole number")
        return value

    def _family(self, token: Token) -> Sequence[str] | int:
        family = self._families.get(token.text) if token.kind == "name" else None
        if family is None:
            near = get_close_matches(token.text, self._families, n=3, cutoff=0)
            mend = f"the families are {', '.join(near)}" if near else "say what it runs over, such as 1..3"
            raise Refused("unknown-family", f"there is no family `{token.text}`", token.where, mend)
        for member in () if isinstance(family, int) else family:
            if not re.fullmatch("[A-Za-z0-9_]+", member):
                message = f"a member of `{token.text}` cannot be part of a name: {member!a}"
                raise Refused("bad-text", message, token.where, "use letters, digits and _")
        return family
