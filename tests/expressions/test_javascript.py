"""JavaScript against the plain evaluator, run by an embedded engine."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from allometry.expressions import Formula, Name, evaluate, javascript, parse

quickjs = pytest.importorskip("quickjs", reason="quickjs runs the JavaScript and is not installed")

OPERATIONS = (
    "a + b + 0.1", "a - b", "a*b*3", "a/b", "a**b", "-a", "exp(a)", "log(b)", "log2(b)", "log10(b)", "sqrt(b)",
    "log1p(b)", "expm1(a)", "sigmoid(a)", "lgamma(a)", "lgamma(b)", "min(a, b, 1)", "max(a, b, 1)", "clip(a, 0, b)",
    "where(a < b, a, b)", "where(a <= b, a, b)", "where(a > b, a, b)", "where(a >= b, a, b)", "where(a == b, 1, 2)",
    "where(a != b, 1, 2)", "where(a < b and b > 1, a, b)", "where(a < b or b > 1, a, b)", "where(not a < b, a, b)",
    "a - -b", "1e-7*a + 6.02e23*b + 123456789012", "lgamma(sigmoid(a) + 40)",
)  # fmt: skip
POINTS = [(-3.7, 2.5), (0.3, 0.3), (12.25, 0.01), (-0.5, 150.0), (1e-9, 31.4), (25.0, 7.0), (-700.0, 1e9)]


def run(formula: Formula, values: dict[str, float]) -> Any:
    return quickjs.Context().eval(f"({javascript(formula)})({json.dumps(values)})")


@pytest.mark.parametrize("text", OPERATIONS)
def test_every_operation(text: str) -> None:
    formula = parse(text)
    for a, b in POINTS:
        ours = float(evaluate(formula.root, {"a": a, "b": b}))
        theirs = run(formula, {"a": a, "b": b})
        if math.isfinite(ours):
            assert theirs == pytest.approx(ours, rel=1e-12, abs=1e-14), (a, b)
        else:
            assert str(float(theirs)) == str(ours), (a, b)


@pytest.mark.parametrize("x", [0.0, -1.0, -3.0, 1e-300, 0.999, 1.0, 2.0, 11.99, 12.0, 1e6, 1e300, 1e306, -4.5, -0.001])
def test_lgamma_everywhere(x: float) -> None:
    formula = parse("lgamma(x)")
    assert float(run(formula, {"x": x})) == pytest.approx(float(evaluate(formula.root, {"x": x})), rel=1e-12, abs=1e-14)


def test_helpers_only_when_used() -> None:
    assert javascript(parse("A*x")) == 'function(v){return (v["A"]*v["x"]);}'
    assert "const sigmoid" in javascript(parse("sigmoid(x)"))
    assert "lgamma" not in javascript(parse("sigmoid(x)"))


@pytest.mark.parametrize("name", ['"];alert(1);//', "</script>", "a\\", "line\u2028end", "<!--", "lr peak"])
def test_names_cannot_become_code(name: str) -> None:
    formula = Formula("", Name(name), (name,))
    assert run(formula, {name: 3.0}) == 3.0
    assert "<" not in javascript(formula)
    assert javascript(formula).isascii()
