"""LaTeX as a reader would see it."""

from __future__ import annotations

import pytest

from allometry.expressions import Formula, Name, latex, parse

BNSL = """
# one smooth break
a + b*x**-c0 * (1 + (x/d1)**(1/f1))**(-c1*f1)
"""


def test_chinchilla() -> None:
    formula = parse("E + A/params**alpha + B/tokens**beta")
    symbols = {"params": "N", "tokens": "D"}
    assert latex(formula, symbols) == r"E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"


def test_broken_law() -> None:
    assert latex(parse(BNSL)) == (
        r"a + b \, x^{-c_{0}} \, \left(1 + \left(\frac{x}{d_{1}}\right)^{\frac{1}{f_{1}}}\right)^{-c_{1} \, f_{1}}"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a + -b + c", "a - b + c"),
        ("a - -b", r"a - \left(-b\right)"),
        ("-(a + b)", r"-\left(a + b\right)"),
        ("(a + b)*c", r"\left(a + b\right) \, c"),
        ("a*-b", r"a \, \left(-b\right)"),
        ("(a*b)**2", r"\left(a \, b\right)^{2}"),
        ("-c*f - (-c*f)*(-a*b)", r"-c \, f - \left(-c \, f\right) \, \left(-a \, b\right)"),
        ("(-a)**2", r"\left(-a\right)^{2}"),
        ("-a**2", "-a^{2}"),
        ("(a**b)**c", r"\left(a^{b}\right)^{c}"),
        ("6*N*D", r"6 \, N \, D"),
        ("N*6", r"N \cdot 6"),
        ("0.34 + 1e-5 + 6.02e23 + 7e9", r"0.34 + 10^{-5} + 6.02 \times 10^{23} + 7 \times 10^{9}"),
        ("log(x)**2", r"\left(\ln\left(x\right)\right)^{2}"),
        ("sqrt(1 + x)/log2(x)", r"\frac{\sqrt{1 + x}}{\log_{2}\left(x\right)}"),
        ("2*expm1(x) - log1p(-x)", r"2 \, \left(\exp\left(x\right) - 1\right) - \ln\left(1 + \left(-x\right)\right)"),
        ("min(a, b, 1)", r"\min\left(a, b, 1\right)"),
        ("clip(x, 0, 1)", r"\operatorname{clip}\left(x, 0, 1\right)"),
        (
            "where(a <= b and not c == 1, x, y)",
            r"\begin{cases} x & \text{if } a \le b \land \lnot \left(c = 1\right) \\ y & \text{otherwise} \end{cases}",
        ),
        ("sum(i in 1..2: r[i]*x)", r"r_{1} \, x + r_{2} \, x"),
        (
            "omega_max + t_web_1 + lambda_ + rate",
            r"\omega_{\mathrm{max}} + t_{\mathrm{web},1} + \lambda + \mathrm{rate}",
        ),
    ],
)
def test_snapshots(text: str, written: str) -> None:
    assert latex(parse(text)) == written


def test_a_symbol_with_a_superscript_is_grouped() -> None:
    assert latex(parse("x**2"), {"x": "N^{*}"}) == "{N^{*}}^{2}"


def test_intermediates_are_defined_after_the_formula() -> None:
    text = "G = -A/B\nH = G**2\nE + G*H - G"
    assert latex(parse(text)) == r"E + G \, H - G, \quad G = \frac{-A}{B}, \quad H = G^{2}"


def test_a_part_that_is_another_part() -> None:
    assert latex(parse("G = x\nH = G\nH + G"), {"G": "g"}) == r"H + H, \quad g = x, \quad H = x"


@pytest.mark.parametrize("name", [r"\input{/etc/passwd}", "a}$b", "x y%", "tail\\", "A&B#~^_"])
def test_unknown_names_cannot_be_commands(name: str) -> None:
    written = latex(Formula("", Name(name), (name,)))
    inside = written.removeprefix(r"\mathrm{").removesuffix("}")
    harmless = [r"\backslash ", r"\wedge ", r"\sim ", *("\\" + sign for sign in "{}$&#_%")]
    for escaped in harmless:
        inside = inside.replace(escaped, "")
    assert not set(inside) & set("\\{}$&#^_%~")
