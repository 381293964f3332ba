"""The compiled formula equals the plain one, whatever is pivoted, and its gradient is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.expressions import compile_formula, evaluate, parse

POSITIVE = (0.0, None)
POINTS = {"params": np.array([1e7, 3e8, 2e10]), "tokens": np.array([2e9, 5e8, 7e11])}
AXES = {"params": True, "tokens": True}
FORMULAS = [
    "E + A / params**alpha + B / tokens**beta",
    "a * (params / tokens)**b * params**-c",
    "a * (tokens / params)**b * (6 * params * tokens)**-b",
    "((A / params)**(alpha / beta) + B / tokens)**beta",
    "E + A * params**-alpha * (1 + (tokens / d)**(1 / f))**(-c * f)",
    "E + (A / (params * (k * log(tokens) + 1)))**alpha",
    "E + A * (params**-alpha + B * tokens**-beta)**k",
    "G = 1 + exp(-k * log10(params))\nE * G + max(A / params**alpha, B / tokens**beta)",
    "E - A * exp(-c * tokens / params)",
    "E + sqrt(A / params) + sigmoid(c * log(tokens / 1e9))",
    "where(tokens > 1e9, A / tokens**alpha, B / params**beta) + E",
    "lgamma(A + 1) + expm1(c) * log1p(params / 1e9) + clip(alpha, 0.1, 2) + min(A, B)",
]


def natural(names: tuple[str, ...], seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).uniform(0.1, 0.9, (3, len(names)))
    large = np.array([name.isupper() for name in names])
    return np.where(large, 10 ** (4 * drawn), drawn)


@pytest.mark.parametrize("text", FORMULAS)
def test_compiled_equals_plain(text: str) -> None:
    formula = parse(text)
    names = tuple(n for n in formula.names if n not in POINTS)
    compiled = compile_formula(formula, AXES, dict.fromkeys(names, POSITIVE), "identity")
    pivots = compiled.pivots(POINTS)
    values = natural(names, 0)
    q = compiled.internal(values, pivots)
    named = {name: values[:, i, None] for i, name in enumerate(names)}
    plain = np.broadcast_to(evaluate(formula.root, {**POINTS, **named}), (3, 3))
    np.testing.assert_allclose(compiled.predictions(q, compiled.row_inputs(POINTS, pivots)), plain, rtol=1e-10)
    np.testing.assert_allclose(compiled.natural(q, pivots), values, rtol=1e-10)


@pytest.mark.parametrize("space", ["log", "log1p", "identity"])
@pytest.mark.parametrize("text", FORMULAS[:8])
def test_gradient_equals_finite_differences(text: str, space: str) -> None:
    formula = parse(text)
    names = tuple(n for n in formula.names if n not in POINTS)
    compiled = compile_formula(formula, AXES, dict.fromkeys(names, POSITIVE), space)
    pivots = compiled.pivots(POINTS)
    inputs = compiled.row_inputs(POINTS, pivots)
    q = compiled.internal(natural(names, 1), pivots)
    _, gradient = compiled.predictions_and_gradient(q, inputs)
    for i in range(len(names)):
        shift = np.zeros(len(names))
        shift[i] = 1e-5
        difference = (compiled.predictions(q + shift, inputs) - compiled.predictions(q - shift, inputs)) / 2e-5
        np.testing.assert_allclose(gradient[:, i], difference, rtol=2e-5, atol=1e-9 * max(1.0, np.abs(gradient).max()))


exponents = st.sampled_from(["alpha", "-alpha", "beta", "(alpha / beta)", "2", "-1"])
bases = st.sampled_from(
    ["params", "tokens", "(params / tokens)", "(6 * params * tokens)", "(1 / tokens)", "(params + c)"]
)
powers = st.builds(lambda b, e: f"{b}**{e}", bases, exponents)
products = st.builds(
    lambda scale, parts: " * ".join([scale, *parts]),
    st.sampled_from(["A", "B", "1 / A", "B / A"]),
    st.lists(powers, min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(product=products, added=powers)
def test_pivoting_never_changes_a_formula(product: str, added: str) -> None:
    formula = parse(f"{product} + {added}")
    names = tuple(n for n in formula.names if n not in POINTS)
    compiled = compile_formula(formula, AXES, dict.fromkeys(names, POSITIVE), "log")
    pivots = compiled.pivots(POINTS)
    values = natural(names, 2)
    named = {name: values[:, i, None] for i, name in enumerate(names)}
    with np.errstate(all="ignore"):
        plain = np.log(np.broadcast_to(evaluate(formula.root, {**POINTS, **named}), (3, 3)))
    found = compiled.predictions(compiled.internal(values, pivots), compiled.row_inputs(POINTS, pivots))
    finite = np.isfinite(plain)
    np.testing.assert_allclose(found[finite], plain[finite], rtol=1e-9, atol=1e-9)
