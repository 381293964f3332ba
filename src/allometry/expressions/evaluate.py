"""The plain value of a tree, operation by operation in NumPy.

This is the independent path: it shares no code with the compiled one, and winners of a fit are evaluated again here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np

from allometry.expressions.tree import Name, Node, Number
from allometry.notices import Refused


def evaluate(node: Node, values: Mapping[str, Any]) -> Any:
    """The value of a tree at the values of its names.

    Use it to check a result or for single values; a fit uses the compiled formula, which also gives gradients.

    Arguments:
        node: any tree.
        values: a number or an array for each name, all of shapes that broadcast. Everything is computed in double
            precision, or in `np.longdouble` where an array has it (`lgamma` stays double).

    Returns a float, or an array of the broadcast shape. Overflow gives infinity and what is undefined gives NaN,
    quietly. Raises `Refused` (missing-value) when a name has no value.

    >>> from allometry.expressions import parse
    >>> evaluate(parse("A/4").root, {"A": 2.0})
    np.float64(0.5)
    """
    with np.errstate(all="ignore"):
        return np.asarray(_value(node, values, {}))[()]


def _value(node: Node, values: Mapping[str, Any], known: dict[int, Any]) -> Any:
    if id(node) not in known:
        if isinstance(node, Number):
            known[id(node)] = np.float64(node.value)
        elif isinstance(node, Name):
            known[id(node)] = _named(node.name, values)
        else:
            arguments = [_value(argument, values, known) for argument in node.arguments]
            known[id(node)] = _COMPUTE[node.operation](*arguments)
    return known[id(node)]


def _named(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise Refused("missing-value", f"`{name}` has no value", mend=f"give one, such as {name}=1")
    value = np.asarray(values[name])
    # whole numbers would wrap around at 2**63: 7e9 parameters times 2e12 tokens is beyond that
    return value if value.dtype == np.longdouble else value.astype(np.float64)


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _lgamma(x: Any) -> Any:
    return np.asarray(_lgamma_each(x), dtype=np.result_type(x))


def _lgamma_one(x: float) -> float:
    if x <= 0 and x == math.floor(x):
        return math.inf
    try:
        return math.lgamma(x)
    except OverflowError:
        return math.inf


_lgamma_each = np.vectorize(_lgamma_one, otypes=[np.float64])


def _over_all(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda *arguments: reduce(operation, arguments)


_SAME_IN_NUMPY = (
    "subtract power negative exp log log2 log10 sqrt log1p expm1 where "
    "less less_equal greater greater_equal equal not_equal"
)
_COMPUTE: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {name: getattr(np, name) for name in _SAME_IN_NUMPY.split()}
    | {
        "add": _over_all(np.add),
        "multiply": _over_all(np.multiply),
        "divide": np.true_divide,
        "sigmoid": _sigmoid,
        "lgamma": _lgamma,
        "min": _over_all(np.minimum),
        "max": _over_all(np.maximum),
        "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
        "and": _over_all(np.logical_and),
        "or": _over_all(np.logical_or),
        "not": np.logical_not,
    }
)
