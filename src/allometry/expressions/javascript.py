"""A formula as JavaScript, for the sliders of a report.

Only `Math.*` and the helpers below are used, and names are looked up as quoted keys, so no name can become code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from allometry.expressions.tree import Call, Formula, Name, Node, Number, walk

_HELPERS = {
    "sigmoid": "const sigmoid=(x)=>{const s=Math.exp(-Math.abs(x));return (x>=0?1:s)/(1+s);};",
    # Stirling's series above 12, Abramowitz & Stegun 6.1.41; recurrence up to it, reflection (6.1.17) below 0
    "lgamma": (
        "const lgamma=(x)=>{"
        "if(x<=0)return x===Math.floor(x)?Infinity"
        ":Math.log(Math.PI/Math.sin(Math.PI*(x-Math.floor(x))))-lgamma(1-x);"
        "let p=1;while(x<12){p*=x;x+=1;}"
        "const r=1/(x*x);"
        "const s=(1/12-r*(1/360-r*(1/1260-r*(1/1680-r*(1/1188-r*691/360360)))))/x;"
        "return (x-0.5)*(Math.log(x)-1)-0.5+0.5*Math.log(2*Math.PI)+s-Math.log(p);};"
    ),
}


def javascript(formula: Formula) -> str:
    """The formula as the text of a JavaScript function of one object that is keyed by names.

    Use it to let a page recompute a law; numbers agree with `evaluate` to about 1e-12.

    >>> from allometry.expressions import parse
    >>> javascript(parse("E + A/N**alpha"))
    'function(v){return (v["E"]+(v["A"]/Math.pow(v["N"],v["alpha"])));}'
    """
    used = {step.operation for step in walk(formula.root) if isinstance(step, Call)}
    helpers = "".join(text for name, text in _HELPERS.items() if name in used)
    return f"function(v){{{helpers}return {_text(formula.root)};}}"


def _text(node: Node) -> str:
    if isinstance(node, Number):
        return str(node.value) if node.value >= 0 else f"({node.value})"
    if isinstance(node, Name):
        return f"v[{_quoted(node.name)}]"
    return _WRITE[node.operation](*map(_text, node.arguments))


def _quoted(name: str) -> str:
    # a page may hold the function inside <script>, where </script> or <!-- would end it even in quotes
    return json.dumps(name).replace("<", "\\u003c").replace(">", "\\u003e")


def _infix(symbol: str) -> Callable[..., str]:
    return lambda *arguments: f"({symbol.join(arguments)})"


def _function(name: str) -> Callable[..., str]:
    return lambda *arguments: f"{name}({','.join(arguments)})"


_WRITE: Mapping[str, Callable[..., str]] = {
    "add": _infix("+"),
    "subtract": _infix("-"),
    "multiply": _infix("*"),
    "divide": _infix("/"),
    "power": _function("Math.pow"),
    "negative": lambda x: f"(-{x})",
    **{name: _function(f"Math.{name}") for name in ("exp", "log", "log2", "log10", "sqrt", "log1p", "expm1")},
    "sigmoid": _function("sigmoid"),
    "lgamma": _function("lgamma"),
    "min": _function("Math.min"),
    "max": _function("Math.max"),
    "clip": lambda x, low, high: f"Math.min(Math.max({x},{low}),{high})",
    "where": lambda condition, a, b: f"({condition}?{a}:{b})",
    "less": _infix("<"),
    "less_equal": _infix("<="),
    "greater": _infix(">"),
    "greater_equal": _infix(">="),
    "equal": _infix("==="),
    "not_equal": _infix("!=="),
    "and": _infix("&&"),
    "or": _infix("||"),
    "not": lambda condition: f"(!{condition})",
}
