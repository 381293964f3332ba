"""Numbers as people write them in options: 7e9, 7B, -0.5."""

from __future__ import annotations

from allometry.expressions.tokens import tokenize
from allometry.notices import Refused


def parse_number(text: str, where: str = "") -> float:
    """A number that may carry a sign and one of the suffixes k, M, B and T of the filter grammar.

    Errors: `Refused` for anything else; `where` names the option it came from.

    >>> parse_number("7B"), parse_number("-1.5e3")
    (7000000000.0, -1500.0)
    """
    body = text.strip()
    sign = -1.0 if body.startswith("-") else 1.0
    try:
        tokens = tokenize(body.removeprefix("-"))
    except Refused:
        tokens = []
    if len(tokens) != 2 or tokens[0].kind != "number":
        raise Refused("bad-number", f"{text!r} is not a number", where, "write 7e9 or 7B")
    return sign * float(tokens[0].text)
