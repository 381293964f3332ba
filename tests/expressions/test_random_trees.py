"""Random trees through text and back, and through JavaScript, against a direct recursion over the tree."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allometry.expressions import Call, Formula, Name, Node, Number, evaluate, javascript, latex, parse
from allometry.notices import Refused

INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=", "and": " and ", "or": " or ",
}  # fmt: skip
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
EXACT_UNARY = ("negative", "sqrt")  # rounded the same way everywhere, like the four operations of arithmetic
UNARY = (*EXACT_UNARY, "exp", "log", "log2", "log10", "log1p", "expm1", "sigmoid", "lgamma")
BINARY = ("subtract", "divide", "add", "multiply", "min", "max")


def _sigmoid(x: Any) -> Any:
    return (1 if x >= 0 else np.exp(-abs(x))) / (1 + np.exp(-abs(x)))


def _lgamma(x: Any) -> Any:
    return np.float64(math.inf if x <= 0 and (x == -math.inf or x == round(x)) else math.lgamma(x))


DIRECT: dict[str, Callable[..., Any]] = {
    "add": lambda *x: reduce(operator.add, x),
    "multiply": lambda *x: reduce(operator.mul, x),
    "sigmoid": _sigmoid,
    "lgamma": _lgamma,
    "min": lambda *x: np.min(x),
    "max": lambda *x: np.max(x),
    "clip": lambda x, low, high: np.min([np.max([x, low]), high]),
    "where": lambda condition, yes, no: yes if condition else no,
    "and": lambda *x: all(x),
    "or": lambda *x: any(x),
    "not": operator.not_,
}
SPELT = {"divide": "truediv", "power": "pow", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"}
SPELT |= {"subtract": "sub", "negative": "neg", "equal": "eq", "not_equal": "ne"}
DIRECT |= {name: getattr(operator, python) for name, python in SPELT.items()}
DIRECT |= {name: getattr(np, name) for name in ("exp", "log", "log2", "log10", "sqrt", "log1p", "expm1")}


def direct(node: Node, values: Mapping[str, float]) -> Any:
    """The value with Python's operators on NumPy's floats: another walk, another table."""
    if isinstance(node, Number):
        return np.float64(node.value)
    if isinstance(node, Name):
        return np.float64(values[node.name])
    return DIRECT[node.operation](*(direct(argument, values) for argument in node.arguments))


def text_of(node: Node) -> str:
    """Text with every bracket written, so that the tree comes back exactly."""
    if isinstance(node, Number):
        return repr(node.value)
    if isinstance(node, Name):
        return node.name
    arguments = [text_of(argument) for argument in node.arguments]
    if node.operation in INFIX:
        return f"({INFIX[node.operation].join(arguments)})"
    if node.operation in ("negative", "not"):
        return f"({'-' if node.operation == 'negative' else 'not '}{arguments[0]})"
    return f"{node.operation}({', '.join(arguments)})"


def _calls(operations: tuple[str, ...], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    return st.builds(Call, st.sampled_from(operations), st.tuples(*arguments))


def trees(unary: tuple[str, ...], binary: tuple[str, ...]) -> st.SearchStrategy[Node]:
    names = st.sampled_from(["a", "b", "alpha", "x_1"]).map(Name)
    numbers = st.one_of(st.integers(1, 9), st.floats(0.01, 50)).map(Number)

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        comparison = _calls(COMPARISONS, inner, inner)
        joined = _calls(("and", "or"), comparison, comparison)
        condition = st.one_of(comparison, joined, _calls(("not",), st.one_of(comparison, joined)))
        return st.one_of(
            _calls(unary, inner),
            _calls(binary, inner, inner),
            _calls(("add", "multiply", "min", "max", "clip"), inner, inner, inner),
            _calls(("where",), condition, inner, inner),
        )

    return st.recursive(st.one_of(names, names, numbers), larger, max_leaves=15)


VALUES = st.fixed_dictionaries({name: st.floats(-4.0, 4.0) for name in ("a", "b", "alpha", "x_1")})


@given(trees(UNARY, (*BINARY, "power")), VALUES)
@settings(deadline=None, max_examples=300)
def test_text_and_back(tree: Node, values: dict[str, float]) -> None:
    text = text_of(tree)
    try:
        formula = parse(text)
    except Refused as refusal:  # a random constant part such as log(1 - 1)
        assume(refusal.code != "constant-too-large")
        raise
    assert formula.root == tree
    latex(formula)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(evaluate(formula.root, values), direct(tree, values), rtol=1e-14)


@given(trees(EXACT_UNARY, BINARY), VALUES)
@settings(deadline=None, max_examples=150)
def test_javascript_of_exact_operations_is_the_same_to_the_last_bit(tree: Node, values: dict[str, float]) -> None:
    quickjs = pytest.importorskip("quickjs", reason="quickjs runs the JavaScript and is not installed")
    function = javascript(Formula("", tree, tuple(values)))
    theirs = float(quickjs.Context().eval(f"({function})({json.dumps(values)})"))
    np.testing.assert_array_equal(theirs, evaluate(tree, values))
