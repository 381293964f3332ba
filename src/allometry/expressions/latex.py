"""A formula as LaTeX that reads the way a paper would print it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np

from allometry.expressions.tree import Call, Formula, Name, Node, Number

_NO_SYMBOLS: Mapping[str, str] = MappingProxyType({})
_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega"
    "|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)
_ESCAPED = {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim "} | {sign: "\\" + sign for sign in "{}$&#_%"}

# how tightly a piece of LaTeX holds together, loosest first
_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _APPLIED, _ATOM = range(8)


def latex(formula: Formula, symbols: Mapping[str, str] = _NO_SYMBOLS) -> str:
    r"""The formula as LaTeX for a math environment, without delimiters.

    Arguments:
        formula: sums are written out; intermediates follow the formula, each with its definition.
        symbols: LaTeX for names, used as it is; other names are made safe, with Greek letters and subscripts.

    >>> from allometry.expressions import parse
    >>> print(latex(parse("E + A/params**alpha"), {"params": "N"}))
    E + \frac{A}{N^{\alpha}}
    """
    writer = _Writer(symbols, formula.parts)
    definitions = [f"{writer.named(name)} = {writer.definition(node)}" for name, node in formula.parts]
    return r", \quad ".join([writer.loosely(formula.root), *definitions])


class _Writer:
    def __init__(self, symbols: Mapping[str, str], parts: Iterable[tuple[str, Node]]) -> None:
        self._symbols = symbols
        self._parts = {id(node): name for name, node in parts}

    def named(self, name: str) -> str:
        return self._symbols.get(name) or _symbol(name)

    def definition(self, part: Node) -> str:
        """The part written out, with the other parts in it by name."""
        return self._written_out(part)[0]

    def loosely(self, node: Node) -> str:
        """The node where nothing around it could be misread."""
        return self._write(node)[0]

    def _within(self, node: Node, tightness: int) -> str:
        """The node, in brackets unless it holds together at least this tightly."""
        text, own = self._write(node)
        return text if own >= tightness else _bracketed(text)

    def _write(self, node: Node) -> tuple[str, int]:
        part = self._parts.get(id(node))
        return self._written_out(node) if part is None else (self.named(part), _ATOM)

    def _written_out(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Number):
            return _number(node.value)
        if isinstance(node, Name):
            return self.named(node.name), _ATOM
        if node.operation in _JOINED:
            sign, own = _JOINED[node.operation]
            return sign.join(self._within(part, own + (own == _COMPARISON)) for part in node.arguments), own
        if node.operation in _SHAPED:
            return _SHAPED[node.operation](self, *node.arguments)
        arguments = ", ".join(self.loosely(argument) for argument in node.arguments)
        return _APPLY[node.operation] + _bracketed(arguments), _APPLIED

    def add(self, *terms: Node) -> tuple[str, int]:
        text = self._within(terms[0], _SUM)
        for term in terms[1:]:
            piece = self._within(term, _SUM)
            text += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
        return text, _SUM

    def subtract(self, left: Node, right: Node) -> tuple[str, int]:
        return f"{self._within(left, _SUM)} - {self._within(right, _PRODUCT)}", _SUM

    def negative(self, x: Node) -> tuple[str, int]:
        return f"-{self._within(x, _PRODUCT)}", _SUM

    def multiply(self, *factors: Node) -> tuple[str, int]:
        first = factors[0]
        negative = isinstance(first, Call) and first.operation == "negative" and id(first) not in self._parts
        text = self._within(first, _SUM if negative else _PRODUCT)
        for factor in factors[1:]:
            piece = self._within(factor, _PRODUCT)
            text += (r" \cdot " if piece[0].isdigit() else r" \, ") + piece
        return text, _SUM if negative else _PRODUCT

    def divide(self, above: Node, below: Node) -> tuple[str, int]:
        return rf"\frac{{{self.loosely(above)}}}{{{self.loosely(below)}}}", _APPLIED

    def power(self, base: Node, exponent: Node) -> tuple[str, int]:
        written = self._within(base, _ATOM)
        # a symbol such as N^{*} cannot carry a second superscript unless it is grouped
        grouped = f"{{{written}}}" if "^" in written and not written.startswith(r"\left(") else written
        return f"{grouped}^{{{self.loosely(exponent)}}}", _APPLIED

    def root(self, x: Node) -> tuple[str, int]:
        return rf"\sqrt{{{self.loosely(x)}}}", _APPLIED

    def log_one_more(self, x: Node) -> tuple[str, int]:
        return r"\ln" + _bracketed(f"1 + {self._within(x, _PRODUCT)}"), _APPLIED

    def exp_one_less(self, x: Node) -> tuple[str, int]:
        return rf"\exp{_bracketed(self.loosely(x))} - 1", _SUM

    def choice(self, condition: Node, yes: Node, no: Node) -> tuple[str, int]:
        first = rf"{self.loosely(yes)} & \text{{if }} {self.loosely(condition)}"
        return rf"\begin{{cases}} {first} \\ {self.loosely(no)} & \text{{otherwise}} \end{{cases}}", _SUM

    def denial(self, condition: Node) -> tuple[str, int]:
        return rf"\lnot {self._within(condition, _ATOM)}", _NOT


_JOINED: Mapping[str, tuple[str, int]] = {
    "less": (" < ", _COMPARISON),
    "less_equal": (r" \le ", _COMPARISON),
    "greater": (" > ", _COMPARISON),
    "greater_equal": (r" \ge ", _COMPARISON),
    "equal": (" = ", _COMPARISON),
    "not_equal": (r" \ne ", _COMPARISON),
    "and": (r" \land ", _AND),
    "or": (r" \lor ", _OR),
}
_SHAPED: Mapping[str, Callable[..., tuple[str, int]]] = {
    "add": _Writer.add,
    "subtract": _Writer.subtract,
    "negative": _Writer.negative,
    "multiply": _Writer.multiply,
    "divide": _Writer.divide,
    "power": _Writer.power,
    "sqrt": _Writer.root,
    "log1p": _Writer.log_one_more,
    "expm1": _Writer.exp_one_less,
    "where": _Writer.choice,
    "not": _Writer.denial,
}
_APPLY: Mapping[str, str] = {
    "exp": r"\exp",
    "log": r"\ln",
    "log2": r"\log_{2}",
    "log10": r"\log_{10}",
    "sigmoid": r"\sigma",
    "lgamma": r"\ln\Gamma",
    "min": r"\min",
    "max": r"\max",
    "clip": r"\operatorname{clip}",
}


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)"


def _number(value: float) -> tuple[str, int]:
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        mantissa, _, power = np.format_float_scientific(value, trim="-").partition("e")
        scaled = f"10^{{{int(power)}}}"
        return (scaled if mantissa == "1" else rf"{mantissa} \times {scaled}"), _PRODUCT
    return np.format_float_positional(value, trim="-"), _ATOM if value >= 0 else _SUM


def _symbol(name: str) -> str:
    """A name made safe: `alpha_1` as a Greek letter with a subscript, words upright, signs escaped."""
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        return _upright(name)
    stem, *subscripts = map(_word, re.findall("[A-Za-z]+|[0-9]+", name))
    return stem + (f"_{{{','.join(subscripts)}}}" if subscripts else "")


def _word(word: str) -> str:
    if _GREEK.fullmatch(word):
        return "\\" + word
    return word if len(word) == 1 or word.isdigit() else _upright(word)


def _upright(name: str) -> str:
    return rf"\mathrm{{{''.join(_ESCAPED.get(sign, sign) for sign in name)}}}"
