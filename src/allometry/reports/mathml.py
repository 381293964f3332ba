"""A formula as MathML, which browsers draw without a script or a font from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from allometry.expressions import Call, Name, Node, Number
from allometry.laws import Law
from allometry.reports.numbers import shown

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_COMPARISONS = {
    "less": "&lt;", "less_equal": "≤", "greater": "&gt;", "greater_equal": "≥", "equal": "=", "not_equal": "≠",
    "and": "and", "or": "or",
}  # fmt: skip
_SUM, _PRODUCT, _ATOM = 1, 2, 3
LONGEST = 2_500  # characters of MathML; beyond that the lines of the formula read better


def formula_mathml(law: Law) -> str | None:
    """The law as a `<math>` element with its metric on the left; None where it is too long to read as one.

    Every name is escaped: a formula comes from a file that anyone may have written.

    >>> from allometry.laws import find_law
    >>> "<mfrac><mi>A</mi><msup><mi>N</mi><mi>α</mi></msup></mfrac>" in formula_mathml(find_law("chinchilla"))
    True
    """
    symbols = {name: f"<mi>{escape(law.axis(name).symbol or name)}</mi>" for name in law.axes}
    body, _ = _node(law.formula.root, symbols)
    if len(body) > LONGEST:
        return None
    left = escape(law.axis(law.metric).symbol or law.metric)
    return f'<math displaystyle="true"><mi>{left}</mi><mo>=</mo>{body}</math>'


def symbol_of(name: str) -> str:
    """A name as MathML: a Greek letter where it spells one, what follows an underscore as its index.

    >>> symbol_of("alpha"), symbol_of("d_1")
    ('<mi>α</mi>', '<msub><mi>d</mi><mi>1</mi></msub>')
    """
    head, _, index = name.partition("_")
    letter = f"<mi>{escape(_GREEK.get(head, head))}</mi>"
    return f"<msub>{letter}<mi>{escape(index)}</mi></msub>" if index else letter


def _node(node: Node, symbols: Mapping[str, str]) -> tuple[str, int]:
    """MathML and how tightly it binds."""
    if isinstance(node, Number):
        return f"<mn>{escape(shown(float(node.value), 6))}</mn>", _ATOM if node.value >= 0 else _SUM
    if isinstance(node, Name):
        return symbols.get(node.name) or symbol_of(node.name), _ATOM
    return _call(node, symbols)


def _call(call: Call, symbols: Mapping[str, str]) -> tuple[str, int]:
    parts = [_node(argument, symbols) for argument in call.arguments]
    plain = [text for text, _ in parts]
    match call.operation:
        case "add":
            return _joined([_wrapped(part, _SUM) for part in parts], "+"), _SUM
        case "subtract":
            return _joined([_wrapped(parts[0], _SUM), *(_wrapped(part, _PRODUCT) for part in parts[1:])], "−"), _SUM
        case "multiply":
            return _joined([_wrapped(part, _PRODUCT) for part in parts], "·"), _PRODUCT
        case "divide":
            return f"<mfrac>{_row(plain[0])}{_row(plain[1])}</mfrac>", _ATOM
        case "power":
            return f"<msup>{_row(_wrapped(parts[0], _ATOM, fraction=True))}{_row(plain[1])}</msup>", _ATOM
        case "negative":
            return f"<mo>−</mo>{_wrapped(parts[0], _PRODUCT)}", _SUM
        case "sqrt":
            return f"<msqrt>{plain[0]}</msqrt>", _ATOM
        case operation if operation in _COMPARISONS:
            return _joined([_wrapped(part, _SUM) for part in parts], _COMPARISONS[operation]), 0
        case operation:
            name = {"log": "ln", "log2": "log₂", "log10": "log₁₀", "lgamma": "ln Γ"}.get(operation, operation)
            return f"<mi>{escape(name)}</mi>{_bracketed(_joined(plain, ','))}", _ATOM


def _joined(parts: list[str], sign: str) -> str:
    return f"<mo>{sign}</mo>".join(parts)


def _wrapped(part: tuple[str, int], least: int, fraction: bool = False) -> str:
    text, binds = part
    tall = fraction and text.startswith(("<mfrac", "<msup"))
    return _bracketed(text) if binds < least or tall else text


def _bracketed(text: str) -> str:
    return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"


def _row(text: str) -> str:
    """One element: a fraction takes exactly two children."""
    single = text.startswith(("<mi>", "<mn>")) and text.count("<m") == 1
    return (
        text
        if single or (text.startswith("<msup>") and text.endswith("</msup>") and text.count("<msup>") == 1)
        else f"<mrow>{text}</mrow>"
    )
