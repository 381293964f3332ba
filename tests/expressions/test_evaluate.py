"""The plain evaluator against known values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from allometry.expressions import evaluate, parse
from allometry.notices import Refused

KNOWN = {
    "exp(2)": math.exp(2),
    "log(3)": math.log(3),
    "log2(10)": math.log2(10),
    "log10(7)": math.log10(7),
    "sqrt(2)": math.sqrt(2),
    "log1p(1e-12)": math.log1p(1e-12),
    "expm1(1e-12)": math.expm1(1e-12),
    "sigmoid(0)": 0.5,
    "sigmoid(-700)": math.exp(-700),
    "sigmoid(3)": 1 / (1 + math.exp(-3)),
    "lgamma(5)": math.log(24),
    "lgamma(0.5)": math.log(math.pi) / 2,
    "lgamma(-0.5)": math.log(2 * math.sqrt(math.pi)),
    "clip(-1, 2, 5)": 2,
    "max(2, 9, 4) - min(2, 9, 4)": 7,
}


@pytest.mark.parametrize(("text", "value"), KNOWN.items(), ids=KNOWN)
def test_known_values(text: str, value: float) -> None:
    assert evaluate(parse(text).root, {}) == pytest.approx(value, rel=1e-15)


def test_chinchilla_as_published() -> None:
    # Hoffmann et al. 2022, equation 10: 70e9 parameters, 1.4e12 tokens
    law = parse("E + A/N**alpha + B/D**beta").root
    values = {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28, "N": 70e9, "D": 1.4e12}
    assert evaluate(law, values) == pytest.approx(1.69 + 406.4 * 70e9**-0.34 + 410.7 * 1.4e12**-0.28, rel=1e-15)


def test_arrays_broadcast() -> None:
    value = evaluate(parse("A*x").root, {"A": np.ones((3, 1)), "x": np.arange(4)})
    assert value.shape == (3, 4)
    assert value.dtype == np.float64


def test_longdouble_stays_longdouble() -> None:
    x = np.array([2.0, 3.0], dtype=np.longdouble)
    text = "sigmoid(x)*exp(x)/x**0.3 + where(x > 2, lgamma(x), log1p(x)) - clip(x, 0, 1) + max(x, 2)"
    assert evaluate(parse(text).root, {"x": x}).dtype == np.longdouble
    precise = evaluate(parse("exp(x)").root, {"x": x})
    np.testing.assert_array_equal(precise, np.exp(x))


def test_overflow_is_quiet_and_infinite() -> None:
    x = np.array([1e3, -1e3])
    np.testing.assert_array_equal(evaluate(parse("exp(x)").root, {"x": x}), [np.inf, 0.0])
    assert evaluate(parse("lgamma(x)").root, {"x": 1e308}) == np.inf
    assert evaluate(parse("lgamma(x)").root, {"x": -2.0}) == np.inf
    assert evaluate(parse("1/x").root, {"x": 0.0}) == np.inf
    assert np.isnan(evaluate(parse("log(x)").root, {"x": -1.0}))
    np.testing.assert_array_equal(evaluate(parse("sigmoid(x)").root, {"x": np.array([-1e4, 1e4, np.inf])}), [0, 1, 1])


def test_whole_numbers_do_not_wrap_around() -> None:
    values = {"N": np.array([7_000_000_000]), "D": np.array([2_000_000_000_000])}
    assert evaluate(parse("6*N*D").root, values)[0] == 8.4e22
    assert evaluate(parse("D**-1").root, values)[0] == 5e-13


def test_a_missing_value_is_named() -> None:
    with pytest.raises(Refused, match="`alpha` has no value"):
        evaluate(parse("x**alpha").root, {"x": 2.0})


def test_deep_sharing_costs_little() -> None:
    lines = ["a = x + 1", *(f"{new} = {old}*{old}" for old, new in zip("abcdefg", "bcdefgh", strict=True)), "h"]
    assert evaluate(parse("\n".join(lines)).root, {"x": 0.0}) == 1
