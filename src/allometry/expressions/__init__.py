"""Formulas and filters: one whitelist grammar, its tree, and what can be made of a tree."""

from allometry.expressions._scales import count_names
from allometry.expressions.compiled import Compiled, compile_formula, from_space, substitute, target_transform
from allometry.expressions.evaluate import evaluate
from allometry.expressions.filters import Filter, parse_filter
from allometry.expressions.grammar import parse
from allometry.expressions.javascript import javascript
from allometry.expressions.latex import latex
from allometry.expressions.numbers import parse_number
from allometry.expressions.tree import Call, Formula, Name, Node, Number, walk

__all__ = [
    "Call",
    "Compiled",
    "Filter",
    "Formula",
    "Name",
    "Node",
    "Number",
    "compile_formula",
    "count_names",
    "evaluate",
    "from_space",
    "javascript",
    "latex",
    "parse",
    "parse_filter",
    "parse_number",
    "substitute",
    "target_transform",
    "walk",
]
