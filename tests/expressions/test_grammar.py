"""Formula text to trees: precedence, intermediates, unrolling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allometry.expressions import Call, Name, Number, evaluate, parse, walk
from allometry.notices import Refused

FAMILIES = {"mixture": ("web", "code", "math"), "n": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2**3**2", 512),
        ("8/4/2", 1),
        ("8-4-2", 2),
        ("2+3*4-6/2", 11),
        ("-(2+3)*4", -20),
        ("+3 - -2", 5),
        ("(((((7)))))", 7),
        (".5 + 1. + 1e-1 + 2.5E2", 251.6),
        ("where(1 < 2 < 3, 10, 20)", 10),
        ("where(1 < 3 < 2, 10, 20)", 20),
        ("where(not 1 == 2 and 3 != 3 or 2 >= 2, 10, 20)", 10),
        ("where(1 == 1 or 1 == 1 and 1 == 2, 10, 20)", 10),
        ("clip(7, 0, 5) + min(3, 1, 2) + max(3, 1)", 9),
        ("(1 +\n   2)  # a note\n", 3),
        ("# a note\n\nG = 4  # é\nH = G*G\n\nH - G\n\n", 12),
        ("sum(j in 1..3: j**2)", 14),
        ("prod(j in 2..4: j) - sum(j in 3..3: j)", 21),
        ("sum(i in 1..2: prod(j in 1..2: i + j))", 18),
    ],
)
def test_known_values(text: str, value: float) -> None:
    assert evaluate(parse(text).root, {}) == pytest.approx(value, rel=1e-15)


def _texts() -> st.SearchStrategy[str]:
    """Arithmetic with and without brackets, as both our grammar and Python read it."""
    leaves = st.sampled_from(["a", "b", "2", "0.5", "3.0"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" + ", " - ", "*", "/", "**"]), inner).map("".join),
            inner.map("-{}".format),
            inner.map("({})".format),
        ),
        max_leaves=12,
    )


@given(_texts(), st.floats(0.5, 2.0), st.floats(0.5, 2.0))
@settings(deadline=None, max_examples=300)
def test_precedence_is_pythons(text: str, a: float, b: float) -> None:
    values = {"a": np.float64(a), "b": np.float64(b)}
    try:
        ours = evaluate(parse(text).root, values)
    except Refused as refusal:  # a random constant part such as 2**2**2**3, or -(-(-(...
        assume(refusal.code not in ("constant-too-large", "too-deep"))
        raise
    constants = text.replace("2", "c2").replace("0.5", "c05").replace("3.0", "c3")  # NumPy's floats overflow to inf
    known = {"c2": np.float64(2), "c05": np.float64(0.5), "c3": np.float64(3)}
    with np.errstate(all="ignore"):
        theirs = eval(constants, {"__builtins__": {}}, {**values, **known})
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_names_in_order_of_appearance() -> None:
    assert parse("G = A/N**alpha\nE + G + A").names == ("A", "N", "alpha", "E")


def test_sums_and_products_take_any_number_of_arguments() -> None:
    assert parse("a + b + c").root == Call("add", (Name("a"), Name("b"), Name("c")))
    assert parse("a*b*3").root == Call("multiply", (Name("a"), Name("b"), Number(3)))
    assert parse("a + b - c").root == Call("subtract", (Call("add", (Name("a"), Name("b"))), Name("c")))


def test_an_intermediate_is_one_shared_node() -> None:
    root = parse("G = A/N**alpha\nG + G").root
    assert isinstance(root, Call)
    assert root.arguments[0] is root.arguments[1]
    assert sum(1 for _ in walk(root)) == 6
    assert (root.size, root.depth) == (11, 4)


def test_an_intermediate_may_be_a_comparison() -> None:
    assert evaluate(parse("large = N > 1e9\nwhere(large, 1, 2)").root, {"N": 7e9}) == 1


def test_families_unroll() -> None:
    formula = parse("sum(i in mixture: w[i]*exp(sum(j in 1..n: t[i, j]*r[j])))", FAMILIES)
    assert formula.names[:5] == ("w_web", "t_web_1", "r_1", "t_web_2", "r_2")
    assert len(formula.names) == 3 + 6 + 2
    assert parse("prod(j in 1..n: (1 + x/d[j])**c[j])", FAMILIES).names == ("x", "d_1", "c_1", "d_2", "c_2")
    assert parse("sum(j in n: A[j])", FAMILIES).names == ("A_1", "A_2")


def test_an_index_leaves_no_trace() -> None:
    assert parse("sum(i in 1..2: A[i]) + i").names == ("A_1", "A_2", "i")


@pytest.mark.parametrize("text", ["x", "2", "9007199254740993", "1.5"])
def test_text_is_kept_as_given(text: str) -> None:
    assert parse(text).text == text


def test_whole_numbers_stay_whole_while_exact() -> None:
    assert repr(parse("2").root) == "Number(value=2)"
    assert repr(parse("2.0").root) == "Number(value=2.0)"
    assert repr(parse("9007199254740993").root) == "Number(value=9007199254740992.0)"
