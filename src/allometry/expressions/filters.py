"""The `where` grammar: which rows of a table to keep."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from typing import Any

import numpy as np

from allometry.expressions.evaluate import evaluate
from allometry.expressions.reader import Reader
from allometry.expressions.tokens import Token
from allometry.expressions.tree import COMPARISONS, Call, Name, Node, is_condition, walk
from allometry.notices import Refused

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}


@dataclass(frozen=True)
class _Text(Name):
    """A quoted text: a name that stands for itself. It is met only beside a comparison of texts."""


def parse_filter(text: str) -> Filter:
    """Read a condition on rows such as `params >= 300M and optimizer == "adam"`; nothing in it is ever executed.

    Comparisons (chained ones too) joined by `and`, `or`, `not`; arithmetic and the functions of formulas on numbers;
    texts in quotes; a column whose name is no plain word in backquotes; numbers such as 1.5e9, 7B, 300M, 2k, 1T.

    Raises `Refused` with the place in the text, as `parse` does.

    >>> parse_filter('1B < params < 7B and `lr peak` > 1e-4').names
    ('params', 'lr peak')
    """
    reader = _FilterReader(text)
    root = reader.expression()
    if not reader.ended:
        raise reader.unexpected(reader.token, "and, or, or the end")
    if not is_condition(root):
        raise Refused("bad-text", "a filter is true or false for a row", "line 1, column 1", "compare, as in loss < 3")
    return Filter(text, root, tuple(reader.columns))


@dataclass(frozen=True)
class Filter:
    """A parsed condition on the rows of a table; `names` are its columns in order of appearance."""

    text: str
    root: Node
    names: tuple[str, ...]

    def apply(self, columns: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rows meet the condition, as a boolean array of the columns' length.

        A missing number (NaN) or text (None) is unequal to everything and neither below nor above anything.

        Arguments:
            columns: arrays of one length by name, numbers or text; those that the filter does not name are ignored.

        Raises `Refused`: unknown-column, or text-and-number when a text is compared or computed with a number.

        >>> parse_filter("loss < 3").apply({"loss": np.array([2.5, 3.5, np.nan])})
        array([ True, False, False])
        """
        for name in self.names:
            if name not in columns:
                raise _unknown(name, columns)
        rows = max((len(column) for column in columns.values()), default=0)
        used = {name: _numbers_or_text(columns[name]) for name in self.names}
        return np.broadcast_to(_kept(self.root, used), (rows,)).copy()


class _FilterReader(Reader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tokens = [token for token in self.tokens if token.kind != "newline"]
        self.columns: dict[str, None] = {}  # an ordered set

    def leaf(self, token: Token) -> Node:
        if token.kind == "text":
            return self.budget.admit(_Text(token.text), token.where)
        if token.kind not in ("name", "column"):
            return super().leaf(token)
        self.columns[token.text] = None
        return self.budget.admit(Name(token.text), token.where)


def _unknown(name: str, columns: Mapping[str, Any]) -> Refused:
    near = ", ".join(f"`{close}`" for close in get_close_matches(name, columns, n=3, cutoff=0))
    mend = f"the nearest are {near}" if near else "the table has no columns"
    return Refused("unknown-column", f"there is no column `{name}`", mend=mend)


def _numbers_or_text(column: Any) -> np.ndarray[Any, Any]:
    """The column as floats, or as objects when any cell is text."""
    cells = np.asarray(column)
    if cells.dtype.kind in "biuf":
        return cells
    if cells.dtype.kind == "O" and not any(isinstance(cell, str) for cell in cells):
        return cells.astype(np.float64)  # None becomes NaN
    return cells.astype(object)


def _kept(node: Node, columns: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if not isinstance(node, Call) or node.operation in COMPARISONS:
        return _compared(node, columns)
    parts = [_kept(argument, columns) for argument in node.arguments]
    if node.operation == "not":
        return np.logical_not(parts[0])
    return reduce(np.logical_and if node.operation == "and" else np.logical_or, parts)


def _compared(node: Node, columns: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    texts = [step for step in walk(node) if isinstance(step, Name) and _is_text(step, columns)]
    if not texts:
        return evaluate(node, columns)
    if not isinstance(node, Call) or not all(_may_be_text(argument, columns) for argument in node.arguments):
        raise _mixed(node, next((text for text in texts if not isinstance(text, _Text)), texts[0]), columns)
    compare = _COMPARE[node.operation]
    left, right = (_cells(argument, columns) for argument in node.arguments)
    pairs = np.broadcast(left, right)
    return np.array([_compare_text(compare, *pair) for pair in pairs], dtype=bool).reshape(pairs.shape)


def _is_text(name: Name, columns: Mapping[str, np.ndarray[Any, Any]]) -> bool:
    return isinstance(name, _Text) or columns[name.name].dtype == object


def _may_be_text(node: Node, columns: Mapping[str, np.ndarray[Any, Any]]) -> bool:
    """Whether the node is text, or a column of missing values only, which does not say what it holds."""
    return isinstance(node, Name) and (_is_text(node, columns) or bool(np.isnan(columns[node.name]).all()))


def _mixed(node: Node, text: Name, columns: Mapping[str, np.ndarray[Any, Any]]) -> Refused:
    numeric = (step for step in walk(node) if isinstance(step, Name) and not _is_text(step, columns))
    if not isinstance(text, _Text):
        message = f"the column `{text.name}` holds text and stands where a number is needed"
        return Refused("text-and-number", message, mend=f'compare it with a text, such as `{text.name}` == "a"')
    if number := next(numeric, None):
        message = f'the column `{number.name}` holds numbers and is compared with the text "{text.name}"'
        return Refused("text-and-number", message, mend="write numbers without quotes, such as 7B or 1.5e9")
    return Refused("text-and-number", f'the text "{text.name}" stands where a number is needed')


def _cells(node: Node, columns: Mapping[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    if isinstance(node, Name) and not isinstance(node, _Text):
        return columns[node.name]
    return np.array(node.name if isinstance(node, _Text) else None, dtype=object)


def _compare_text(compare: Callable[[Any, Any], bool], left: object, right: object) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return compare(left, right)
    return compare is operator.ne
