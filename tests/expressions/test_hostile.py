"""Text from strangers: each is refused at once, with a sentence and a place."""

from __future__ import annotations

import pytest

from allometry.expressions import parse, parse_filter
from allometry.notices import Refused

DOUBLING = "\n".join(
    ["a = x", *(f"{new} = {old}*{old}" for old, new in zip("abcdefghijk", "bcdefghijkl", strict=True))]
)
LOOPS = "G = x\nsum(i in 1..200: sum(j in 1..200: " + "(" * 70 + "G" + ")" * 70 + "))"

HOSTILE = [
    ("__import__('os')", "unknown-function", "no function `__import__`"),
    ("__import__('os').system('ls')", "bad-text", "nothing has attributes"),
    ("eval(x)", "unknown-function", "no function `eval`"),
    ("x.__class__", "bad-text", "nothing has attributes"),
    ("__builtins__", "bad-text", "starts with a letter"),
    ("x[0]", "bad-text", "index"),
    ("x[i]", "bad-text", "index"),
    ("(x + 1)[i]", "bad-text", "indices live inside sum and prod"),
    ("G = x\nsum(i in 1..2: G[i])", "bad-text", "indices live inside sum and prod"),
    ("lambda x: x", "bad-text", "no function can be defined"),
    ("[x for x in y]", "bad-text", "`for`"),
    ("[x]", "bad-text", "`[`"),
    ("{x}", "bad-text", "no meaning"),
    ("1 if a else b", "bad-text", "where(comparison, a, b)"),
    ("(x := 3)", "bad-text", "own line"),
    ("x; y", "bad-text", "no meaning"),
    ("x @ y", "bad-text", "no meaning"),
    ("x // y", "bad-text", "use / to divide"),
    ("x & y", "bad-text", "use and"),
    ("x^2", "bad-text", "use ** for a power"),
    ("'a'", "bad-text", "no quoted text"),
    ("x + 'a'", "bad-text", "no quoted text"),
    ("f'{x}'", "bad-text", "`{x}`"),
    ("x'", "bad-text", "not closed"),
    ("`x`", "bad-text", "`x`"),
    ("αlpha", "bad-text", "plain ASCII"),
    ("ﬁt", "bad-text", "plain ASCII"),
    ("N𝟏", "bad-text", "plain ASCII"),
    ("１ + x", "bad-text", "plain ASCII"),
    ("x\u2028y", "bad-text", "plain ASCII"),
    ("x\x00", "bad-text", "no meaning"),
    ("2x", "bad-text", "put * between"),
    ("2 x", "bad-text", "an operator"),
    ("0x10", "bad-text", "not a number"),
    ("1_000", "bad-text", "not a number"),
    ("1j", "bad-text", "not a number"),
    ("1.5.2", "bad-text", "an operator"),
    ("7B*x", "bad-text", "write 7e9"),
    ("1e999", "bad-text", "too large"),
    ("9" * 1999, "bad-text", "too large"),
    ("True", "bad-text", "another name"),
    ("", "bad-text", "no line gives the value"),
    ("# only a note", "bad-text", "no line gives the value"),
    ("G = 3", "bad-text", "no line gives the value"),
    ("x\ny", "bad-text", "only the last line"),
    ("G = 3\nx", "bad-text", "never used"),
    ("G = G\nG", "bad-text", "already used"),
    ("G = 3\nG = 4\nG", "bad-text", "already used"),
    ("H = G\nG = 3\nG + H", "bad-text", "already used"),
    ("exp = 3\nexp", "bad-text", "cannot be defined"),
    ("x == ", "bad-text", "the text ends"),
    ("f = x\ny = f = 3\ny", "bad-text", "use =="),
    ("x < 1", "bad-text", "a comparison and not a number"),
    ("(x < 1) + 1", "bad-text", "a number is needed"),
    ("where(x, 1, 2)", "bad-text", "a comparison is needed"),
    ("log(x, 2)", "bad-text", "takes 1 argument and has 2"),
    ("min(x)", "bad-text", "takes 2 or more arguments and has 1"),
    ("ln(x)", "unknown-function", "log is the natural logarithm"),
    ("log + 1", "bad-text", "needs its arguments"),
    ("exp(x=1)", "bad-text", "`=`"),
    ("exp(x", "bad-text", "the text ends where ) is expected"),
    ("x)", "bad-text", "`)`"),
    ("sum + 1", "bad-text", "`sum`"),
    ("sum(x)", "bad-text", "where in is expected"),
    ("sum(i in mix: r[i])", "unknown-family", "no family `mix`"),
    ("sum(i in 1..n: x)", "unknown-family", "no family `n`"),
    ("sum(i in 1..2.5: x)", "bad-text", "a whole number"),
    ("sum(i in 3..1: x)", "bad-text", "over nothing"),
    ("sum(i in mixture: i)", "bad-text", "stands for the name web"),
    ("sum(i in mixture: sum(i in mixture: r[i]))", "bad-text", "a new index"),
    ("sum(i in odd: r[i])", "bad-text", "cannot be part of a name"),
    ("sum(i in 1..99999999999: x)", "too-many-nodes", "200 nodes"),
    ("sum(i in 1..150: sum(j in 1..150: A[i, j]))", "too-many-nodes", "200 nodes"),
    (LOOPS, "too-many-nodes", "200 nodes"),
    (DOUBLING + "\nl", "too-many-nodes", "200 nodes"),
    ("+".join("x" * 201), "too-many-nodes", "200 nodes"),
    ("x" * 2001, "too-long", "2,001 characters"),
    ("(" * 5000, "too-long", "5,000 characters"),
    ("(" * 1000, "too-deep", "40 deep"),
    ("(" * 900 + "x" + ")" * 900, "too-deep", "40 deep"),
    ("-" * 1500 + "x", "too-deep", "40 deep"),
    ("exp(" * 45 + "x" + ")" * 45, "too-deep", "40 deep"),
    ("**".join("x" * 500), "too-deep", "40 deep"),
    ("-".join("x" * 90), "too-deep", "40 deep"),
    ("9**9**8", "constant-too-large", "at most 64"),
    ("9**9**9**9", "constant-too-large", "at most 64"),
    ("x + 2**65", "constant-too-large", "at most 64"),
    ("((9**64)**64)**64", "constant-too-large", "overflows"),
    ("(0.5**64)**64", "constant-too-large", "vanishes"),
    ("x + 1/0", "constant-too-large", "undefined"),
    ("exp(exp(100))", "constant-too-large", "overflows"),
]


@pytest.mark.parametrize(("text", "code", "sentence"), HOSTILE, ids=[text[:24] for text, _, _ in HOSTILE])
def test_refused(text: str, code: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        parse(text, {"mixture": ("web", "code"), "odd": ("a b",)})
    assert caught.value.code == code
    assert sentence in str(caught.value)
    assert code == "too-long" or caught.value.where.startswith("line ")


@pytest.mark.parametrize(
    "text",
    [
        "2**64 * x",
        "x**(9**9)",
        "(" * 40 + "x" + ")" * 40,
        "+".join("x" * 199),
        "exp(" * 39 + "x" + ")" * 39,
        "0**2 + x",
    ],
    ids=lambda text: text[:24],
)
def test_accepted_at_the_limit(text: str) -> None:
    assert parse(text).names == ("x",)


def test_the_place_is_where_it_goes_wrong() -> None:
    with pytest.raises(Refused) as caught:
        parse("# a note\nG = 3\nE + G +\n")
    assert caught.value.where == "line 3, column 8"


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        ("", "bad-text", "the text ends"),
        ("loss", "bad-text", "compare, as in loss < 3"),
        ("loss = 3", "bad-text", "use == to compare"),
        ("loss < 3 and", "bad-text", "the text ends"),
        ("loss < 3 params > 2", "bad-text", "and, or, or the end"),
        ("loss < 3 & params > 2", "bad-text", "use and"),
        ("loss < 3 and params", "bad-text", "a comparison is needed"),
        ("perte_é < 3", "bad-text", "plain ASCII"),
        ("`a < 3", "bad-text", "not closed"),
        ("params > 7G", "bad-text", "not a number"),
        ("__import__('os') == 1", "unknown-function", "no function"),
        ("loss.max() > 1", "bad-text", "attributes"),
        ("loss[0] > 1", "bad-text", "`[`"),
        ("(" * 1900 + "loss", "too-deep", "40 deep"),
        ("not " * 400 + "loss < 3", "too-deep", "40 deep"),
        ("loss < " + "9" * 5000, "too-long", "characters"),
        ("loss < 9**9**8", "constant-too-large", "at most 64"),
    ],
    ids=lambda text: text[:24],
)
def test_hostile_filters(text: str, code: str, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_filter(text)
    assert caught.value.code == code
    assert sentence in str(caught.value)
